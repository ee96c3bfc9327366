/** What is typed into fields, as the API takes it. */

/** Only what was filled in. */
export function given<T extends Record<string, string>>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value.trim() === "" ? [] : [[name, value.trim()]]))) as Partial<T>;
}

/** A whole number; what is none goes to the API as it was typed, which says what is wrong with it. */
export function whole(text: string): number | string | null {
  const typed = text.trim();
  return typed === "" ? null : /^-?\d{1,15}$/.test(typed) ? Number(typed) : typed;
}

/** A text, or null where nothing is typed. */
export const orNull = (text: string): string | null => (text.trim() === "" ? null : text.trim());

/** A number with decimals. */
export function decimal(text: string): number | string | null {
  const typed = text.trim();
  return typed === "" ? null : /^-?\d+(\.\d+)?$/.test(typed) ? Number(typed) : typed;
}
