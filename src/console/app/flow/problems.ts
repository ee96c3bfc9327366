/** Where the problems of the server's check belong: to a slot, and to one of its fields. */
import { isMap } from "yaml";
import { keyOf, listOf, type FlowDocument, type ListName, type SlotNode } from "./document.ts";

export interface CheckProblem {
  code: string;
  path: string;
  line: number;
  column: number;
  what: string;
  mend: string;
}

export interface PlacedProblem extends CheckProblem {
  /** Where it begins in the text. */
  offset: number;
  list: ListName | null;
  index: number | null;
  field: string | null;
}

export function placed(flow: FlowDocument, problems: readonly CheckProblem[]): PlacedProblem[] {
  const starts = lineStarts(flow.text);
  return problems.map((one) => {
    const offset = offsetOf(flow.text, starts, one.line, one.column);
    if (one.line === 0) return { ...one, offset, list: null, index: null, field: null };
    const slot = slotAt(flow, offset);
    return { ...one, offset, list: slot?.list ?? null, index: slot?.index ?? null, field: slot ? fieldAt(slot, offset) : null };
  });
}

/** The slot whose lines an offset is in. */
export function slotAt(flow: FlowDocument, offset: number): SlotNode | null {
  for (const list of ["slots", "on_hangup"] as const) {
    const found = listOf(flow, list).find((slot) => offset >= slot.lead && offset < Math.max(slot.end, slot.lead + 1));
    if (found) return found;
  }
  return null;
}

function fieldAt(slot: SlotNode, offset: number): string | null {
  if (!isMap(slot.node)) return null;
  let found: string | null = null;
  for (const pair of slot.node.items) {
    const at = (pair.key as { range?: [number, number, number] }).range?.[0];
    if (at === undefined || slot.base + at > offset) break;
    found = keyOf(pair.key);
  }
  return found;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The server counts characters, and JavaScript halves of those beyond the first 65,536. */
function offsetOf(text: string, starts: readonly number[], line: number, column: number): number {
  const start = starts[Math.max(0, Math.min(line, starts.length) - 1)]!;
  let at = start;
  for (let left = column - 1; left > 0 && at < text.length && text[at] !== "\n"; left--) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return at;
}
