/** What the telephone's WebSocket carries: docs/api-telephone.md. A type that is not here is passed over. */
export type Does = "answer" | "busy" | "no_answer" | "congestion" | "unavailable" | "hang_up";

export interface Calling {
  did: string;
  cli: string | null;
  app?: string;
  drafts?: string[];
  texts?: Record<string, string>;
  pace?: number;
}

export type Sent =
  | ({ type: "call" } & Calling)
  | { type: "key"; key: string; held_s: number }
  | { type: "callee"; does: Does }
  | { type: "hang_up" }
  | { type: "speak"; speaks: boolean }
  | { type: "pace"; pace: number }
  | { type: "skip"; until_s: number | null }
  | { type: "scenario"; name: string; save: boolean };

export interface Line {
  at_s: number;
  slot: string;
  event: string;
  detail: string;
}

export interface CallEvent {
  type: string;
  at_s: number;
  app: string | null;
  slot: string | null;
  depth: number;
  [field: string]: unknown;
}

export interface Sound {
  sound: string;
  prompt: string | null;
  length_s: number | null;
  takes_keys: boolean;
  at_s: number;
}

export interface Problem {
  status: number;
  code: string;
  detail: string;
  problems?: { path: string; line: number; what: string; mend: string }[];
}

export interface MadeLeg {
  position: number;
  dialled: string;
  trunk: string;
  status: string;
  reason: string | null;
  sip_code: number | null;
  talked_s: number | null;
}

export interface MadeCall {
  duration_s: number;
  app: string | null;
  customer: number | null;
  outcome: string;
  reason: string;
  reject_sip: number | null;
  reject_reason: string | null;
  released_by: string | null;
  legs: MadeLeg[];
}

export interface MadeScenario {
  app: string;
  name: string;
  text: string;
  differs: string[];
  saved: boolean;
}

export type Received =
  | { type: "hello"; version: number; fastest: number }
  | { type: "calling"; did: string; cli: string | null; app: string | null }
  | { type: "event"; event: CallEvent; lines: Line[] }
  | { type: "variables"; set: Record<string, unknown>; gone: string[] }
  | ({ type: "sound_began" } & Sound)
  | { type: "sound_ended"; sound: string; prompt: string | null; at_s: number }
  | { type: "clock"; at_s: number; until_s: number | null; pace: number }
  | { type: "dialled"; leg: number; dial_string: string; at_s: number }
  | { type: "priced"; leg: number; price: string; connection: string; currency: string; destination: string }
  | { type: "ended"; call: MadeCall; charged: { leg: number; charged: string | null; currency: string | null }[]; prompts_missing: string[] }
  | ({ type: "scenario" } & MadeScenario)
  | { type: "problem"; problem: Problem; about: string | null }
  | { type: "bye"; reason: string };
