/** Edits of fields: the text of one value is changed, added or removed, and every other letter stays. */
import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from "yaml";
import { inlineText, textAfterKey } from "./block_text.ts";
import { contentEnd, keyOf, lineEnd, lineStart, nextLine, type Step } from "./document.ts";
import { keyText, type Value } from "./scalar.ts";
import type { TextEdit } from "./text_edit.ts";

type Entry = Pair<Node, Node | null>;

/** A part of the text that was parsed by itself. */
export interface Place {
  text: string;
  newline: string;
  /** What is added to the ranges of nodes. */
  base: number;
}

/** Keys that a new key stands before, where they are the last ones: where exits lead comes at the end. */
const LAST_KEYS: readonly string[] = ["on"];

/** The edits that give the value at `path` below `node`, in which the first step is there or is added. */
export function setEdits(place: Place, node: Node, path: readonly Step[], value: Value, inFlow = false): TextEdit[] {
  const [step, ...rest] = path;
  if (isSeq(node)) return setItem(place, node, Number(step), rest, value, inFlow || Boolean(node.flow));
  if (!isMap(node) || step === undefined) throw new Error("there is nothing that could have this field");
  const flow = inFlow || Boolean(node.flow);
  const pair = node.items.find((one) => keyOf(one.key) === String(step)) as Entry | undefined;
  if (!pair) return [addPair(place, node, String(step), nested(rest, value), flow)];
  if (rest.length && canHold(pair.value, rest[0]!)) return setEdits(place, pair.value!, rest, value, flow);
  return [replaceValue(place, pair, nested(rest, value), flow)];
}

/** The edits that take away what is at `path`, and mappings that are empty without it. */
export function unsetEdits(place: Place, node: Node, path: readonly Step[]): TextEdit[] {
  const nodes: (Node | null)[] = [node];
  for (const step of path) {
    const within = nodes.at(-1);
    if (isMap(within)) nodes.push((within.items.find((one) => keyOf(one.key) === String(step)) as Entry | undefined)?.value ?? null);
    else if (isSeq(within)) nodes.push((within.items[Number(step)] as Node | undefined) ?? null);
    else return [];
  }
  let depth = path.length - 1;
  while (depth > 0 && isLastOf(nodes[depth]!)) depth--;
  const around = nodes[depth]!;
  if (isMap(around)) {
    const index = around.items.findIndex((one) => keyOf(one.key) === String(path[depth]));
    return index < 0 ? [] : [removePair(place, around, index)];
  }
  return isSeq(around) && around.items[Number(path[depth])] !== undefined ? [removeItem(place, around, Number(path[depth]))] : [];
}

/** The edit that gives a key another name; its value stays. */
export function renameKeyEdit(place: Place, map: YAMLMap, key: string, name: string): TextEdit[] {
  const pair = map.items.find((one) => keyOf(one.key) === key) as Entry | undefined;
  if (!pair?.key.range) return [];
  const [from, to] = pair.key.range;
  return [{ from: place.base + from, to: place.base + to, text: keyText(name, Boolean(map.flow)) }];
}

/** The edit that puts an item into a list. */
export function addItem(place: Place, seq: YAMLSeq, index: number, value: Value): TextEdit {
  const { text, base, newline } = place;
  const before = seq.items[index - 1] as Node | undefined;
  const after = seq.items[index] as Node | undefined;
  if (seq.flow) {
    const inline = inlineText(value, true);
    if (before?.range) return insertion(base + before.range[1], `, ${inline}`);
    if (after?.range) return insertion(base + after.range[0], `${inline}, `);
    return insertion(base + seq.range![0] + 1, inline);
  }
  const column = base + seq.range![0] - lineStart(text, base + seq.range![0]);
  const line = `${" ".repeat(column)}- ${inlineText(value)}`;
  if (before?.range) return insertion(lineEnd(text, base + contentEnd(before, text, base)), newline + line);
  return insertion(lineStart(text, base + seq.range![0]), line + newline);
}

function setItem(place: Place, seq: YAMLSeq, index: number, rest: readonly Step[], value: Value, flow: boolean): TextEdit[] {
  const item = seq.items[index] as Node | undefined;
  if (!item) return [addItem(place, seq, seq.items.length, nested(rest, value))];
  if (rest.length && canHold(item, rest[0]!)) return setEdits(place, item, rest, value, flow);
  const to = contentEnd(item, place.text, place.base);
  return [{ from: place.base + item.range![0], to: place.base + to, text: inlineText(nested(rest, value), flow) }];
}

function canHold(node: Node | null | undefined, step: Step): boolean {
  return isMap(node) ? typeof step === "string" : isSeq(node) && typeof step === "number";
}

function nested(path: readonly Step[], value: Value): Value {
  return path.reduceRight<Value>((inner, step) => (typeof step === "number" ? [inner] : { [step]: inner }), value);
}

function isLastOf(node: Node | null): boolean {
  return (isMap(node) || isSeq(node)) && node.items.length === 1;
}

function replaceValue(place: Place, pair: Entry, value: Value, inFlow: boolean): TextEdit {
  const { text, base, newline } = place;
  const colon = colonOf(place, pair);
  const node = pair.value;
  const isBlock = node && ((isMap(node) && !node.flow) || (isSeq(node) && !node.flow) || (isScalar(node) && /^BLOCK/.test(String(node.type))));
  const isWritten = node?.range && node.range[1] > node.range[0];
  if (inFlow) {
    if (isWritten) return { from: base + node.range![0], to: base + node.range![1], text: inlineText(value, true) };
    return colon.missing ? insertion(colon.at, `: ${inlineText(value, true)}`) : insertion(colon.at, ` ${inlineText(value, true)}`);
  }
  const indent = base + pair.key.range![0] - lineStart(text, base + pair.key.range![0]);
  const made = textAfterKey(value, indent + 2, newline);
  if (!isWritten) return insertion(colon.at, made);
  if (!isBlock && !made.startsWith(newline)) return { from: base + node.range![0], to: base + node.range![1], text: made.slice(1) };
  return { from: colon.at, to: base + contentEnd(node, text, base), text: made };
}

/** The offset after the colon of a key; `missing`: a key in braces that has none. */
function colonOf(place: Place, pair: Entry): { at: number; missing: boolean } {
  let at = place.base + pair.key.range![1];
  while (/\s/.test(place.text[at] ?? "")) at++;
  return place.text[at] === ":" ? { at: at + 1, missing: false } : { at: place.base + pair.key.range![1], missing: true };
}

function addPair(place: Place, map: YAMLMap, key: string, value: Value, inFlow: boolean): TextEdit {
  const { text, base, newline } = place;
  const items = map.items as Entry[];
  if (map.flow || inFlow) {
    const made = `${keyText(key, true)}: ${inlineText(value, true)}`;
    const last = items.at(-1);
    if (!last) return { from: base + map.range![0], to: base + map.range![1], text: `{${made}}` };
    return insertion(base + entryEnd(last), `, ${made}`);
  }
  const before = entryBefore(items, key);
  const column = base + items[0]!.key.range![0] - lineStart(text, base + items[0]!.key.range![0]);
  const made = `${newline}${" ".repeat(column)}${keyText(key, false)}:${textAfterKey(value, column + 2, newline)}`;
  return insertion(lineEnd(text, base + endOf(place, before)), made);
}

/** The key after which a new one stands: an id after the type, anything else at the end, but before `on`. */
function entryBefore(items: Entry[], key: string): Entry {
  if (key === "id" && keyOf(items[0]!.key) === "slot") return items[0]!;
  if (!LAST_KEYS.includes(key) && items.length > 1 && LAST_KEYS.includes(keyOf(items.at(-1)!.key))) return items.at(-2)!;
  return items.at(-1)!;
}

function entryEnd(pair: Entry): number {
  const value = pair.value?.range;
  return value && value[1] >= pair.key.range![1] ? value[1] : pair.key.range![1];
}

function endOf(place: Place, pair: Entry): number {
  return pair.value?.range ? Math.max(contentEnd(pair.value, place.text, place.base), pair.key.range![1]) : pair.key.range![1];
}

function removePair(place: Place, map: YAMLMap, index: number): TextEdit {
  const { text, base } = place;
  const items = map.items as Entry[];
  const pair = items[index]!;
  const from = base + pair.key.range![0];
  if (items.length === 1) return { from: base + map.range![0], to: base + (map.flow ? map.range![1] : endOf(place, pair)), text: "{}" };
  if (map.flow) return removeFromFlow(place, items.map((one) => [one.key.range![0], entryEnd(one)]), index);
  const end = base + endOf(place, pair);
  const start = lineStart(text, from);
  if (!text.slice(start, from).trim()) return { from: start, to: nextLine(text, end), text: "" };
  // It stands in the line of the dash: the next key takes its place.
  const next = base + items[index + 1]!.key.range![0];
  const between = text.slice(end, next);
  return between.includes("#") ? { from, to: end, text: "" } : { from, to: next, text: "" };
}

function removeItem(place: Place, seq: YAMLSeq, index: number): TextEdit {
  const { text, base } = place;
  const items = seq.items as Node[];
  const item = items[index]!;
  if (seq.flow) {
    if (items.length === 1) return { from: base + seq.range![0], to: base + seq.range![1], text: "[]" };
    return removeFromFlow(place, items.map((one) => [one.range![0], one.range![1]]), index);
  }
  const end = base + contentEnd(item, text, base);
  if (items.length === 1) return { from: base + seq.range![0], to: end, text: "[]" };
  const dash = text.lastIndexOf("-", base + item.range![0] - 1);
  const start = lineStart(text, dash);
  if (!text.slice(start, dash).trim()) return { from: start, to: nextLine(text, end), text: "" };
  const next = text.lastIndexOf("-", base + items[index + 1]!.range![0] - 1);
  return { from: dash, to: next, text: "" };
}

function removeFromFlow(place: Place, ranges: [number, number][], index: number): TextEdit {
  const { base } = place;
  const [from, to] = ranges[index]!;
  if (index > 0) return { from: base + ranges[index - 1]![1], to: base + to, text: "" };
  return { from: base + from, to: base + ranges[1]![0], text: "" };
}

function insertion(at: number, text: string): TextEdit {
  return { from: at, to: at, text };
}
