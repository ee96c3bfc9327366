/** What a text says as a graph: slots, their exits and where these lead, as the server's picture has it. */
import { isObject, matches } from "./condition.ts";
import { keysAt, listOf, type Fields, type FlowDocument, type ListName, type SlotNode, type Step } from "./document.ts";
import type { Value } from "./scalar.ts";
import { APP_PREFIX, RETURN_PREFIX, type ExitRule, type SlotType, type SlotTypes } from "./slot_type.ts";

export type Way = "slot" | "app" | "return" | "hangup" | "end" | "missing";

export interface Exit {
  exit: string;
  /** As it is written; null: nothing is, and what is usual holds. */
  target: string | null;
  way: Way;
  /** The index of the slot that it leads to. */
  to: number | null;
  app: string | null;
  returns: string | null;
  /** The steps from the slot to the target. */
  at: Step[];
  isMain: boolean;
  /** Whether the slot has this exit; one that only `on` names is drawn too. */
  isKnown: boolean;
}

export interface GraphSlot {
  slot: SlotNode;
  index: number;
  label: string;
  id: string | null;
  type: string;
  known: SlotType | undefined;
  exits: Exit[];
  /** Apps that it goes on in by itself, and the one that it calls. */
  jumps: string[];
  calls: string | null;
  isReached: boolean;
}

export interface FlowGraph {
  list: ListName;
  slots: GraphSlot[];
}

interface WrittenExit {
  exit: string;
  at: Step[];
  target: string | null;
  isKnown: boolean;
}

interface Written {
  exits: WrittenExit[];
  main: string | null;
  jumps: string[];
  calls: string | null;
}

/** Counts work, for tests: how many slots' exits were found anew. */
export const graphWork = { slots: 0 };

export function graphOf(flow: FlowDocument, types: SlotTypes, list: ListName = "slots"): FlowGraph {
  const nodes = listOf(flow, list);
  const byId = new Map<string, number>();
  for (const slot of nodes) {
    const id = idOf(slot);
    if (id !== null && !byId.has(id)) byId.set(id, slot.index);
  }
  const slots = nodes.map((slot): GraphSlot => {
    const type = typeof slot.fields.slot === "string" ? slot.fields.slot : "";
    const known = types.get(type);
    const written = writtenOf(slot, known);
    const id = idOf(slot);
    return {
      slot,
      index: slot.index,
      label: id ?? `${known ? type : "slot"}[${slot.index + 1}]`,
      id,
      type,
      known,
      exits: written.exits.map((one) => ledExit(one, written.main, known, slot.index, nodes.length, byId)),
      jumps: written.jumps,
      calls: written.calls,
      isReached: false,
    };
  });
  markReached(slots, onError(flow, byId));
  return { list, slots };
}

export function idOf(slot: SlotNode): string | null {
  return typeof slot.fields.id === "string" ? slot.fields.id : null;
}

const remembered = new WeakMap<Fields, { known: SlotType | undefined; written: Written }>();

function writtenOf(slot: SlotNode, known: SlotType | undefined): Written {
  const found = remembered.get(slot.fields);
  if (found && found.known === known) return found.written;
  graphWork.slots++;
  const written = known ? writtenExits(slot, known) : { exits: [], main: null, jumps: [], calls: null };
  remembered.set(slot.fields, { known, written });
  return written;
}

function writtenExits(slot: SlotNode, known: SlotType): Written {
  const exits = new Map<string, WrittenExit>();
  const own = new Set(known.exit_rules.map((rule) => rule.exit));
  for (const rule of known.exit_rules) {
    if (rule.when && !matches(rule.when, slot.fields)) continue;
    for (const [exit, key] of named(slot, rule)) {
      if (rule.exit === null && own.has(exit)) continue;
      const at = rule.target_path.map((step) => (step === "{}" ? key : step));
      if (!exits.has(exit)) exits.set(exit, { exit, at, target: textAt(slot.fields, at), isKnown: true });
    }
  }
  const main = known.main_exit ?? exits.keys().next().value ?? null;
  for (const exit of keysAt(slot, "on")) {
    if (!exits.has(exit)) exits.set(exit, { exit, at: ["on", exit], target: textAt(slot.fields, ["on", exit]), isKnown: false });
  }
  const written: Written = { exits: [...exits.values()], main: main !== null && exits.get(main)?.isKnown ? main : null, jumps: [], calls: null };
  for (const field of known.app_fields) {
    const value = slot.fields[field.field];
    if (typeof value !== "string" || !value.startsWith(field.text_before)) continue;
    const app = value.slice(field.text_before.length);
    if (!app) continue;
    if (field.comes_back) written.calls = app;
    else written.jumps.push(app);
  }
  return written;
}

/** The exits of a rule, each with what stands for `{}` in the way to its target. */
function named(slot: SlotNode, rule: ExitRule): [string, Step][] {
  if (rule.exit !== null) return [[rule.exit, rule.exit]];
  const each = slot.fields[rule.each ?? ""];
  if (Array.isArray(each)) {
    return each.map((item, index) => {
      const name = isObject(item) ? item[rule.named_by ?? ""] : null;
      return [typeof name === "string" && name ? name : (rule.unnamed ?? "{}").replace("{}", String(index + 1)), index];
    });
  }
  return keysAt(slot, rule.each ?? "").map((key) => [key, key]);
}

export function valueAt(fields: Value, at: readonly Step[]): Value | undefined {
  let found: Value | undefined = fields;
  for (const step of at) {
    if (Array.isArray(found)) found = found[Number(step)];
    else if (isObject(found) && Object.hasOwn(found, step)) found = (found as Fields)[step];
    else return undefined;
  }
  return found;
}

function textAt(fields: Fields, at: readonly Step[]): string | null {
  const found = valueAt(fields, at);
  return typeof found === "string" || typeof found === "number" ? String(found) : null;
}

function ledExit(
  one: WrittenExit,
  main: string | null,
  known: SlotType | undefined,
  index: number,
  count: number,
  byId: ReadonlyMap<string, number>,
): Exit {
  const isMain = one.exit === main;
  const led = { exit: one.exit, target: one.target, to: null, app: null, returns: null, at: one.at, isMain, isKnown: one.isKnown };
  let target = one.target;
  if (target === null) {
    if (!isMain || known?.ends_call) return { ...led, way: known?.ends_call ? "hangup" : "end" };
    target = "next";
  }
  if (target === "hangup") return { ...led, way: "hangup" };
  if (target === "next") return index + 1 >= count ? { ...led, way: "end" } : { ...led, way: "slot", to: index + 1 };
  if (target.startsWith(APP_PREFIX)) return { ...led, way: "app", app: target.slice(APP_PREFIX.length) };
  if (target.startsWith(RETURN_PREFIX)) return { ...led, way: "return", returns: target.slice(RETURN_PREFIX.length) };
  const to = byId.get(target);
  return to === undefined ? { ...led, way: "missing" } : { ...led, way: "slot", to };
}

function onError(flow: FlowDocument, byId: ReadonlyMap<string, number>): number | undefined {
  const value = flow.settings.find((one) => one.key === "on_error")?.pair.value;
  const id = value && "value" in value ? String(value.value) : "";
  return byId.get(id);
}

function markReached(slots: GraphSlot[], alsoFrom: number | undefined): void {
  const waiting = slots.length ? [0] : [];
  if (alsoFrom !== undefined) waiting.push(alsoFrom);
  while (waiting.length) {
    const slot = slots[waiting.pop()!]!;
    if (slot.isReached) continue;
    slot.isReached = true;
    // What cannot be read may lead anywhere: nothing after it is called unreachable for that.
    if (!slot.known && slot.index + 1 < slots.length) waiting.push(slot.index + 1);
    for (const exit of slot.exits) if (exit.to !== null) waiting.push(exit.to);
  }
}
