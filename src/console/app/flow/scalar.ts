/** Scalars of YAML as Ringflow reads and writes them: the core schema of YAML 1.2, in which `010` and `+44` are text. */

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

const INTEGER = /^-?(0|[1-9][0-9]*)$/;
const FLOAT = /^-?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const WORDS = new Map<string, boolean | null>([
  ["", null],
  ["~", null],
  ...["null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);
/** Words that are no text to readers of YAML 1.1: quoted, so that every reader agrees. */
const OLD_WORDS = /^(y|n|yes|no|on|off)$/i;
const NUMBER_LIKE = /^[-+.]?[0-9][0-9_,.:xoeE+-]*$/;
const PLAIN = /^[A-Za-z$/_\u00a1-\ud7ff][^\u0000-\u001f\u007f-\u009f]*$/;

/** What an unquoted scalar stands for. */
export function plainValue(text: string): string | number | boolean | null {
  if (WORDS.has(text)) return WORDS.get(text)!;
  if (INTEGER.test(text)) {
    // A longer one would lose digits: it stays as it is written.
    const number = Number(text);
    return Number.isSafeInteger(number) ? number : text;
  }
  if (FLOAT.test(text) && Number.isFinite(Number(text))) return Number(text);
  return text;
}

/** A scalar as it is written; `inFlow`: between brackets or braces, where `, [ ] { }` mean something. */
export function scalarText(value: string | number | boolean | null, inFlow: boolean): string {
  if (value === null) return "null";
  if (typeof value !== "string") return String(value);
  return isPlain(value, inFlow) ? value : quoted(value);
}

/** A key as it is written: keys of a telephone stand without quotes where they are digits. */
export function keyText(key: string, inFlow: boolean): string {
  if (INTEGER.test(key)) return key;
  return isPlain(key, inFlow) || key === "on" ? key : quoted(key);
}

function isPlain(text: string, inFlow: boolean): boolean {
  if (!PLAIN.test(text) || WORDS.has(text) || OLD_WORDS.test(text) || NUMBER_LIKE.test(text)) return false;
  if (text.trim() !== text || /:(\s|$)|\s#/.test(text)) return false;
  return !inFlow || !/[,[\]{}]|:$/.test(text);
}

/** JSON's strings are YAML's, but for characters that YAML asks to be escaped. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (one) =>
    one === "\u0085" ? "\\N" : `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
