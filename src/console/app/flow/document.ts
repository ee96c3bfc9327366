/**
 * The text of a flow, with the place of each of its slots.
 *
 * A text is cut into pieces, one for each slot and each key of the app, and each piece is parsed by itself and
 * remembered by its text: so an edit of one slot parses one slot. A text that is written in another way (the
 * slots in brackets, with anchors) is parsed as a whole.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, parseDocument, type Node, type Pair, type YAMLMap } from "yaml";
import { isObject } from "./condition.ts";
import { plainValue, type Value } from "./scalar.ts";

export type ListName = "slots" | "on_hangup";
export type Fields = Record<string, Value>;
export type Step = string | number;

export interface SlotNode {
  list: ListName;
  index: number;
  /** Where its first comment begins, where its dash's line does, and where its last line ends. */
  lead: number;
  from: number;
  end: number;
  /** What is added to the ranges of `node`. */
  base: number;
  node: Node | null;
  fields: Fields;
  /** Whether it stands between brackets. */
  inBrackets: boolean;
}

/** A key of the app as a whole. */
export interface Setting {
  key: string;
  from: number;
  end: number;
  base: number;
  pair: Pair<Node, Node | null>;
  /** The mapping that it stands in. */
  map: YAMLMap;
}

export interface TextProblem {
  offset: number;
  what: string;
}

export interface FlowDocument {
  text: string;
  newline: string;
  settings: Setting[];
  slots: SlotNode[];
  onHangup: SlotNode[];
  /** What keeps it from being read as a flow; then nothing else here counts. */
  problems: TextProblem[];
}

/** Counts work, for tests: how many characters were parsed. */
export const work = { parsed: 0 };

interface Parsed {
  node: Node | null;
  problems: TextProblem[];
  value?: Value;
}

const LIST_NAMES: readonly string[] = ["slots", "on_hangup"];
const MAX_REMEMBERED = 4000;
const remembered = new Map<string, Parsed>();

export function readFlow(text: string): FlowDocument {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  return readPieces(text, newline) ?? readWhole(text, newline);
}

export function listOf(flow: FlowDocument, list: ListName): SlotNode[] {
  return list === "slots" ? flow.slots : flow.onHangup;
}

/** What a slot's mapping has, in the order of the text. */
export function keysAt(slot: SlotNode, field: string): string[] {
  const value = isMap(slot.node) ? pairOf(slot.node, field)?.value : null;
  return isMap(value) ? value.items.map((pair) => keyOf(pair.key)) : [];
}

export function pairOf(map: YAMLMap, key: string): Pair<Node, Node | null> | undefined {
  return map.items.find((pair) => keyOf(pair.key) === key) as Pair<Node, Node | null> | undefined;
}

/** A key as it is read: never a number, so that `01` stays what it is. */
export function keyOf(key: unknown): string {
  return isScalar(key) ? String(key.source ?? key.value) : "";
}

/** The plain value of a node. */
export function valueOf(node: Node | null | undefined): Value {
  if (isMap(node)) {
    const made: Fields = {};
    for (const pair of node.items) {
      // Whoever calls a key so does not mean the prototype of the object.
      Object.defineProperty(made, keyOf(pair.key), {
        value: valueOf(pair.value as Node | null),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return made;
  }
  if (isSeq(node)) return node.items.map((one) => valueOf(one as Node));
  if (!isScalar(node)) return null;
  const text = String(node.value ?? "");
  return node.type === "PLAIN" && !node.tag ? plainValue(text) : text;
}

/** Where the last line of a node ends, before its line break and with its comment. */
export function lineEnd(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  const end = found < 0 ? text.length : found;
  return end > at && text[end - 1] === "\r" ? end - 1 : end;
}

export function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

/** The offset after the line break that follows `at`. */
export function nextLine(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  return found < 0 ? text.length : found + 1;
}

/** Where what a node says ends, relative to its piece: without comments, blank lines and line breaks behind it. */
export function contentEnd(node: Node, text: string, base: number): number {
  let last: Node = node;
  while ((isMap(last) || isSeq(last)) && !last.flow && last.items.length) {
    const item: unknown = last.items.at(-1);
    const pair = item as Pair<Node, Node | null>;
    const next: Node | null = isNode(item) ? item : (pair.value ?? pair.key);
    if (!next?.range) break;
    // A key without a value ends at its colon, which stands where the empty value does.
    last = next;
  }
  let end = last.range![1];
  if (isScalar(last) && String(last.type).startsWith("BLOCK")) {
    while (end > last.range![0] && /\s/.test(text[base + end - 1]!)) end--;
  }
  return end;
}

function parsed(text: string): Parsed {
  const known = remembered.get(text);
  if (known) {
    // The one that was asked for last is forgotten last.
    remembered.delete(text);
    remembered.set(text, known);
    return known;
  }
  work.parsed += text.length;
  const document = parseDocument(text, { schema: "failsafe", uniqueKeys: false, logLevel: "silent" });
  const found = {
    node: document.contents as Node | null,
    problems: document.errors.map((one) => ({ offset: one.pos[0], what: one.message.split("\n")[0]!.replace(/ at line .*$/, "") })),
  };
  remembered.set(text, found);
  if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
  return found;
}

function parsedValue(piece: Parsed): Value {
  return (piece.value ??= valueOf(piece.node));
}

interface Segment {
  key: string;
  from: number;
  to: number;
}

function readPieces(text: string, newline: string): FlowDocument | null {
  const segments = segmentsOf(text);
  if (!segments) return null;
  const flow: FlowDocument = { text, newline, settings: [], slots: [], onHangup: [], problems: [] };
  for (const segment of segments) {
    const dash = LIST_NAMES.includes(segment.key) ? firstDash(text, segment) : null;
    const list = segment.key as ListName;
    const until = dash ? dash.from : segment.to;
    const piece = parsed(text.slice(segment.from, until));
    if (piece.problems.length || !isMap(piece.node) || piece.node.items.length !== 1) return null;
    const pair = piece.node.items[0] as Pair<Node, Node | null>;
    if (hasAlias(piece.node)) return null;
    const end = nextLine(text, segment.from + (pair.value?.range ? contentEnd(pair.value, text, segment.from) : pair.key.range![1]));
    flow.settings.push({ key: segment.key, from: segment.from, end, base: segment.from, pair, map: piece.node });
    if (!dash) {
      if (LIST_NAMES.includes(segment.key) && isSeq(pair.value) && pair.value.items.length) return null;
      continue;
    }
    const slots = slotPieces(text, list, dash, segment.to);
    if (!slots || listOf(flow, list).length) return null;
    listOf(flow, list).push(...slots);
  }
  return flow;
}

function segmentsOf(text: string): Segment[] | null {
  const found: Segment[] = [];
  let at = text.startsWith("\ufeff") ? 1 : 0;
  while (at < text.length) {
    const first = text[at]!;
    if (/[A-Za-z_]/.test(first)) {
      const key = /^([A-Za-z_][\w-]*)[ \t]*:(?=\s|$)/.exec(text.slice(at, at + 80));
      if (!key) return null;
      if (found.length) found.at(-1)!.to = at;
      found.push({ key: key[1]!, from: at, to: text.length });
    } else if (!/[\s#-]/.test(first) || text.startsWith("---", at) || (first === "-" && !found.length)) return null;
    at = nextLine(text, at);
  }
  return found;
}

interface Dash {
  from: number;
  column: number;
}

const DASH_LINE = /^( *)-(?=[ \t\r\n]|$)/;

/** The line of the first entry of a list that is written below its key; null where it is written otherwise. */
function firstDash(text: string, segment: Segment): Dash | null {
  const head = text.slice(segment.from, lineEnd(text, segment.from));
  if (!/^[\w-]+[ \t]*:[ \t]*(#.*)?$/.test(head)) return null;
  for (let at = nextLine(text, segment.from); at < segment.to; at = nextLine(text, at)) {
    const line = text.slice(at, lineEnd(text, at));
    if (!line.trim() || line.trimStart().startsWith("#")) continue;
    const dash = DASH_LINE.exec(line);
    return dash ? { from: at, column: dash[1]!.length } : null;
  }
  return null;
}

function slotPieces(text: string, list: ListName, first: Dash, to: number): SlotNode[] | null {
  const starts = [first.from];
  for (let at = nextLine(text, first.from); at < to; at = nextLine(text, at)) {
    if (text[at + first.column] !== "-") continue;
    const dash = DASH_LINE.exec(text.slice(at, lineEnd(text, at)));
    if (dash && dash[1]!.length === first.column) starts.push(at);
  }
  const found: SlotNode[] = [];
  let before = lineStart(text, first.from);
  for (const [index, from] of starts.entries()) {
    const until = starts[index + 1] ?? to;
    const piece = parsed(text.slice(from, until));
    const node = isSeq(piece.node) && piece.node.items.length === 1 ? (piece.node.items[0] as Node | null) : undefined;
    if (piece.problems.length || node === undefined || hasAlias(node)) return null;
    const [value] = parsedValue(piece) as Value[];
    const end = slotEnd(text, from, until, node, first.column);
    const lead = leadOf(text, index ? before : from, from, first.column);
    found.push({ list, index, lead, from, end, base: from, node, fields: isObject(value) ? (value as Fields) : {}, inBrackets: false });
    before = end;
  }
  // The comments above the first slot come after the key of the list.
  const keyEnd = nextLine(text, lineStart(text, text.lastIndexOf(":", found[0]!.from)));
  found[0]!.lead = leadOf(text, Math.min(keyEnd, first.from), first.from, first.column);
  return found;
}

/** The end of a slot's last line. Comments that are indented more than its dash belong to it. */
function slotEnd(text: string, from: number, until: number, node: Node | null, column: number): number {
  const content = node?.range ? from + contentEnd(node, text, from) : from + column + 1;
  let end = Math.min(nextLine(text, content), until);
  while (end < until) {
    const line = text.slice(end, lineEnd(text, end));
    const indent = line.length - line.trimStart().length;
    if (!line.trim().startsWith("#") || indent <= column) break;
    end = nextLine(text, end);
  }
  return end;
}

/** Where the comment begins that stands directly above a slot, not before `earliest`. */
function leadOf(text: string, earliest: number, from: number, column: number): number {
  let lead = from;
  while (lead > earliest) {
    const start = lineStart(text, lead - 1);
    const line = text.slice(start, lead);
    const indent = line.length - line.trimStart().length;
    if (start < earliest || !line.trim().startsWith("#") || indent > column) break;
    lead = start;
  }
  return lead;
}

function hasAlias(node: unknown): boolean {
  if (isAlias(node)) return true;
  if (isMap(node)) return node.items.some((pair) => hasAlias(pair.key) || hasAlias(pair.value));
  if (isSeq(node)) return node.items.some(hasAlias);
  return false;
}

function readWhole(text: string, newline: string): FlowDocument {
  const piece = parsed(text);
  const flow: FlowDocument = { text, newline, settings: [], slots: [], onHangup: [], problems: [...piece.problems] };
  if (flow.problems.length) return flow;
  if (hasAlias(piece.node)) {
    flow.problems.push({ offset: 0, what: "the text has anchors and aliases, which only the text's own editor changes" });
    return flow;
  }
  if (!isMap(piece.node)) {
    if (text.replace(/#.*/g, "").trim()) flow.problems.push({ offset: 0, what: "a flow begins with `app:` and its name" });
    return flow;
  }
  for (const pair of piece.node.items as Pair<Node, Node | null>[]) {
    const key = keyOf(pair.key);
    const end = nextLine(text, pair.value?.range ? contentEnd(pair.value, text, 0) : pair.key.range![1]);
    flow.settings.push({ key, from: pair.key.range![0], end, base: 0, pair, map: piece.node });
    if (!LIST_NAMES.includes(key) || !isSeq(pair.value)) continue;
    const inBrackets = Boolean(pair.value.flow);
    let before = nextLine(text, pair.key.range![1]);
    for (const [index, item] of (pair.value.items as (Node | null)[]).entries()) {
      const value = valueOf(item);
      const start = item?.range?.[0] ?? before;
      const place = inBrackets ? { from: start, lead: start, end: item?.range?.[1] ?? start } : blockPlace(text, before, start, item);
      listOf(flow, key as ListName).push({
        ...place,
        list: key as ListName,
        index,
        base: 0,
        node: item,
        fields: isObject(value) ? (value as Fields) : {},
        inBrackets,
      });
      before = place.end;
    }
  }
  return flow;
}

function blockPlace(text: string, before: number, start: number, item: Node | null) {
  const dash = text.lastIndexOf("-", Math.max(start - 1, 0));
  const from = lineStart(text, dash);
  const column = dash - from;
  const end = slotEnd(text, 0, text.length, item, column);
  return { from, lead: leadOf(text, Math.min(before, from), from, column), end };
}
