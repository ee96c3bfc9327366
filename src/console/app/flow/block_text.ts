/** Values as YAML text: in one line where they are short, else one line for each part. */
import { keyText, scalarText, type Value } from "./scalar.ts";
import { isObject } from "./condition.ts";

const WIDTH = 100;

export function inlineText(value: Value, inFlow = false): string {
  if (Array.isArray(value)) return `[${value.map((one) => inlineText(one, true)).join(", ")}]`;
  if (isObject(value)) {
    const pairs = Object.entries(value).map(([key, one]) => `${keyText(key, true)}: ${inlineText(one, true)}`);
    return `{${pairs.join(", ")}}`;
  }
  return scalarText(value, inFlow);
}

/** What follows `key:`: ` value` in the same line, or lines below it that are indented by `indent`. */
export function textAfterKey(value: Value, indent: number, newline: string, room = WIDTH): string {
  const inline = inlineText(value);
  if (typeof value !== "object" || value === null || isEmpty(value)) return ` ${inline}`;
  if (inline.length <= room && !hasObjects(value)) return ` ${inline}`;
  const pad = " ".repeat(indent);
  if (Array.isArray(value)) {
    return value.map((one) => `${newline}${pad}- ${inlineText(one)}`).join("");
  }
  return pairLines(value, indent, newline)
    .map((line) => `${newline}${pad}${line}`)
    .join("");
}

/** The lines of a mapping, without their own indentation. */
export function pairLines(value: { [key: string]: Value }, indent: number, newline: string): string[] {
  return Object.entries(value).map(([key, one]) => `${keyText(key, false)}:${textAfterKey(one, indent + 2, newline)}`);
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

function hasObjects(value: Value): boolean {
  return Array.isArray(value) && value.some((one) => typeof one === "object" && one !== null && inlineText(one).length > 40);
}
