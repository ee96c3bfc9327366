/** What the API says of a type of slots: by which exits a slot ends, and where these are led. */

export interface ExitRule {
  exit: string | null;
  each: string | null;
  named_by: string | null;
  unnamed: string | null;
  target_path: string[];
  when: Record<string, unknown> | null;
}

export interface AppField {
  field: string;
  text_before: string;
  comes_back: boolean;
}

export interface SlotType {
  type: string;
  group: string;
  description: string;
  ends_call: boolean;
  needs_caller: boolean;
  main_exit: string | null;
  exit_rules: ExitRule[];
  app_fields: AppField[];
}

export type SlotTypes = ReadonlyMap<string, SlotType>;

export const APP_PREFIX = "app:";
export const RETURN_PREFIX = "return:";
