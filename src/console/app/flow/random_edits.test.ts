/**
 * Edits at random of fifty flows that are full of comments. A share of them runs with the other tests; all 10,000 by
 * `EDITS=10000 npx vitest run app/flow/random_edits.test.ts`.
 */
import { parseDocument } from "yaml";
import { expect, test } from "vitest";
import { same } from "./condition.ts";
import { listOf, readFlow, valueOf, type Fields } from "./document.ts";
import { ChangeRefused, FlowChange } from "./flow_change.ts";
import { graphOf, type GraphSlot } from "./graph.ts";
import { History } from "./history.ts";
import { difference } from "./text_edit.ts";
import { Dice, madeFlow, TYPES } from "./test_flows.ts";

declare const process: { env: Record<string, string | undefined> };
const EDITS = Number(process.env.EDITS ?? 500);
const FLOWS = 50;

const VALUES = ["IVR/welcome", "a: b", "# no", "yes", "010", "${x}", 5, 0.5, true, "", "it's", 'say "hi"', "é\u2028\u0085\u007f", ["a", "b, c"], { en: "Hello", es: "Hola: 1" }, [{ name: "x", to: "hangup" }]];
const FRESH: Fields[] = [
  { slot: "hangup" },
  { slot: "ivr", file: "IVR/ivr-please", min: 11, max: 14, result: "ivr_destination" },
  { slot: "menu", file: { say: "Press one, or two." }, options: { "1": "next", "*": "hangup" } },
  { slot: "condition", cases: [{ name: "only", if: { value: "${cli|}", in: ["441910000001", "441910000002"] }, to: "next" }] },
];

let clipboard = "";
/** The kind of the last edit, for messages. */
let last = "";
const counts: Record<string, number> = {};

function edit(dice: Dice, change: FlowChange): string {
  const graph = change.graph();
  const count = graph.slots.length;
  const index = dice.below(count);
  const slot = graph.slots[index]!;
  const fieldNames = Object.keys(slot.slot.fields).filter((name) => !["slot", "id"].includes(name));
  const kind = count < 3 ? "insert" : count > 60 ? "remove" : dice.one(["set", "set", "unset", "connect", "connect", "disconnect", "insert", "into", "remove", "move", "rename", "duplicate", "copy", "paste", "item", "key", "setting"]);
  const before = change.flow;
  last = kind;
  const outside = () => {
    // Nothing but this slot was touched.
    const old = slot.slot;
    const now = change.slot("slots", index);
    expect(change.text.slice(0, old.lead)).toBe(before.text.slice(0, old.lead));
    expect(change.text.slice(now.end).trimStart()).toBe(before.text.slice(old.end).trimStart());
  };
  if (kind === "set") {
    const name = dice.one([...fieldNames, "new_field", "on"]);
    const value = dice.one(VALUES);
    const path = name === "on" ? ["on", dice.one(["busy", "done"])] : dice.chance(0.2) ? [name, "inner"] : [name];
    change.setField("slots", index, path, value);
    outside();
  } else if (kind === "unset" && fieldNames.length) {
    const name = dice.one(fieldNames);
    const value = slot.slot.fields[name];
    const inner = value && typeof value === "object" ? (Array.isArray(value) ? [dice.below(value.length)] : [dice.one(Object.keys(value).concat("none"))]) : [];
    change.unsetField("slots", index, [name, ...(dice.chance(0.7) ? inner : [])]);
    outside();
  } else if (kind === "connect" && slot.exits.length) {
    const exit = dice.one(slot.exits);
    const to = dice.below(count);
    change.connect("slots", index, exit.exit, { slot: to });
    expect(change.graph().slots[index]!.exits.find((one) => one.exit === exit.exit)).toMatchObject({ way: "slot", to: firstWithId(graph.slots, to) });
    expect(change.text.split("\n").length).toBeLessThanOrEqual(before.text.split("\n").length + 3);
  } else if (kind === "disconnect" && slot.exits.length) {
    change.connect("slots", index, dice.one(slot.exits).exit, dice.one([null, "hangup" as const, { app: "other" }]));
    outside();
  } else if (kind === "insert") {
    const at = dice.below(count + 1);
    const fresh = dice.one(FRESH);
    expect(change.insert("slots", at, fresh)).toBe(at);
    const made = change.slot("slots", at);
    expect(same(made.fields, fresh)).toBe(true);
    expect(change.text.slice(0, made.from) + change.text.slice(made.end)).toBe(endedLine(before.text, made.from));
  } else if (kind === "into" && slot.exits.length) {
    const exit = dice.one(slot.exits);
    const at = change.insertInto("slots", index, exit.exit, dice.one(FRESH));
    const now = change.graph().slots;
    expect(now.length).toBe(count + 1);
    expect(now[at <= index ? index + 1 : index]!.exits.find((one) => one.exit === exit.exit)!.to).toBe(at);
  } else if (kind === "remove") {
    change.remove("slots", [index]);
    const left = change.graph().slots.map((one) => one.slot.fields.slot);
    expect(left).toEqual(graph.slots.filter((one) => one !== slot).map((one) => one.slot.fields.slot));
    if (slot.id !== null && firstWithId(graph.slots, index) === index) {
      expect(change.graph().slots.flatMap((one) => one.exits).filter((exit) => exit.target === slot.id && exit.way === "missing")).toEqual([]);
    }
  } else if (kind === "move") {
    const to = dice.below(count);
    change.move("slots", index, to);
    expect(change.text.split(/\r?\n/).filter(Boolean).sort()).toEqual(before.text.split(/\r?\n/).filter(Boolean).sort());
  } else if (kind === "rename") {
    const id = `renamed_${dice.below(1000)}`;
    const edges = led(graph.slots);
    change.rename("slots", index, id);
    if (firstWithId(graph.slots, index) === index) expect(led(change.graph().slots)).toEqual(edges);
  } else if (kind === "duplicate") {
    const at = change.duplicate("slots", index);
    const { id: _, ...rest } = change.slot("slots", at).fields;
    expect(change.slot("slots", index).fields).toEqual(slot.slot.fields);
    if (slot.id === null) expect(rest).toEqual(slot.slot.fields);
  } else if (kind === "copy") {
    clipboard = change.copy("slots", [index, (index + 2) % count]);
  } else if (kind === "paste" && clipboard) {
    change.paste("slots", dice.below(count + 1), clipboard);
    const ids = change.graph().slots.flatMap((one) => one.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  } else if (kind === "item" && slot.type === "condition") {
    change.addItem("slots", index, ["cases"], dice.below(2), { name: `case_at_${dice.below(99)}`, if: { value: "${x|}", equals: 1 }, to: "hangup" });
    outside();
  } else if (kind === "key" && slot.type === "menu") {
    const [from] = Object.keys((slot.slot.fields.options as Fields) ?? {});
    if (from) change.renameKey("slots", index, ["options"], from, dice.one(["7", "*9", "#"]));
  } else if (kind === "setting") {
    const [path, value] = dice.one<[string[], Fields[string] | undefined]>([
      [["title"], "A: new # title"],
      [["title"], undefined],
      [["defaults", "attempts"], 4],
      [["defaults", "attempts"], undefined],
      [["on_error"], "app:other"],
      [["languages"], ["en", "es"]],
    ]);
    change.setSetting(path, value);
  }
  return kind;
}

function firstWithId(slots: GraphSlot[], index: number): number {
  const id = slots[index]!.id;
  return id === null ? index : slots.findIndex((one) => one.id === id);
}

function endedLine(text: string, at: number): string {
  return at >= text.length && !text.endsWith("\n") ? text + (text.includes("\r\n") ? "\r\n" : "\n") : text;
}

function led(slots: GraphSlot[]): unknown[] {
  return slots.map((slot) => slot.exits.map((exit) => [exit.exit, exit.way, exit.to, exit.app]));
}

/** What the text says to a parser that knows nothing of pieces. */
function wholeSlots(text: string): unknown {
  const document = parseDocument(text, { schema: "failsafe", uniqueKeys: false });
  expect(document.errors).toEqual([]);
  const flow = valueOf(document.contents as never) as Fields;
  return flow.slots;
}

test(`${EDITS} edits at random: text and graph agree, other lines stay, undo and redo give the bytes back`, () => {
  const perFlow = Math.ceil(EDITS / FLOWS);
  let refused = 0;
  for (let seed = 0; seed < FLOWS; seed++) {
    const dice = new Dice(1000 + seed);
    const start = madeFlow(seed);
    const history = new History(start);
    const texts = [start];
    for (let number = 0; number < perFlow; number++) {
      const change = new FlowChange(history.text, TYPES);
      try {
        const kind = edit(dice, change);
        counts[kind] = (counts[kind] ?? 0) + 1;
      } catch (error) {
        if (!(error instanceof ChangeRefused)) throw new Error(`flow ${seed}, edit ${number}: ${error}\n${history.text}\n---\n${change.text}`, { cause: error });
        if (process.env.EDITS) console.log(seed, number, error.message, last);
        refused++;
        continue;
      }
      if (change.text === history.text) continue;
      history.apply(difference(history.text, change.text), "edit");
      expect(history.text).toBe(change.text);
      texts.push(history.text);
      const slots = listOf(change.flow, "slots").map((slot) => slot.fields);
      expect(wholeSlots(history.text)).toEqual(slots);
      expect(graphOf(readFlow(history.text), TYPES).slots.length).toBe(slots.length);
      if (dice.chance(0.2)) {
        const back = 1 + dice.below(Math.min(5, texts.length - 1));
        for (let one = 1; one <= back; one++) {
          history.undo();
          expect(history.text).toBe(texts.at(-1 - one));
        }
        for (let one = 0; one < back; one++) history.redo();
        expect(history.text).toBe(texts.at(-1));
      }
    }
    for (const text of texts.slice(0, -1).reverse()) {
      history.undo();
      expect(history.text).toBe(text);
    }
    expect(history.text).toBe(start);
  }
  if (process.env.EDITS) console.log(counts, { refused });
  expect(refused).toBeLessThan(EDITS / 20);
}, 120_000);
