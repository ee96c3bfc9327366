import { expect, test } from "vitest";
import { readFlow, work } from "./document.ts";
import { ChangeRefused, FlowChange } from "./flow_change.ts";
import { graphOf, graphWork } from "./graph.ts";
import { madeFlow, TYPES } from "./test_flows.ts";

const CARD = `# yaml-language-server: $schema=./flow.schema.json
app: card # the app
slots:
  # Asks for the number.
  - slot: ivr # first
    file: IVR/ivr-please
    result: ivr_destination
  - slot: destination
    external: \${ivr_destination}   # dialled
    on: {done: hangup, no_credit: no_credit}
  - slot: hangup
    id: no_credit
    file: MISC/no-credit
`;

function changed(text: string, by: (change: FlowChange) => unknown): string {
  const change = new FlowChange(text, TYPES);
  by(change);
  return change.text;
}

/** The lines that are in one text and not in the other. */
function lines(before: string, after: string): string[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return [...old.filter((line) => !now.includes(line)).map((line) => `-${line}`), ...now.filter((line) => !old.includes(line)).map((line) => `+${line}`)];
}

test("an exit that is led to a slot without a name gives it one", () => {
  const after = changed(CARD, (change) => change.connect("slots", 1, "busy", { slot: 0 }));
  expect(lines(CARD, after)).toEqual([
    "-    on: {done: hangup, no_credit: no_credit}",
    "+    id: ivr",
    "+    on: {done: hangup, no_credit: no_credit, busy: ivr}",
  ]);
});

test("a field is set where it stands, and its comment stays", () => {
  const after = changed(CARD, (change) => change.setField("slots", 1, ["external"], "sip:a@b.example"));
  expect(lines(CARD, after)).toEqual(["-    external: ${ivr_destination}   # dialled", "+    external: sip:a@b.example   # dialled"]);
});

test("text that YAML would read as something else is quoted", () => {
  for (const value of ["0123", "+44191", "yes", "12:30", "", "a: b", "#", "null", "1e3", "*1"]) {
    const after = changed(CARD, (change) => change.setField("slots", 2, ["file"], value));
    expect(after).toContain(`file: "${value}"`);
    expect(readFlow(after).slots[2]!.fields.file).toBe(value);
  }
});

test("an exit that leads nowhere any more takes an empty `on` with it", () => {
  const after = changed(CARD, (change) => {
    change.connect("slots", 1, "done", null);
    change.connect("slots", 1, "no_credit", null);
  });
  expect(lines(CARD, after)).toEqual(["-    on: {done: hangup, no_credit: no_credit}"]);
});

test("a slot is renamed with all that leads to it", () => {
  const after = changed(CARD, (change) => change.rename("slots", 2, "poor"));
  expect(after).toBe(CARD.replace("no_credit: no_credit", "no_credit: poor").replace("id: no_credit", "id: poor"));
});

test("a slot that errors lead to is renamed there too", () => {
  const text = CARD.replace("slots:\n", "on_error: no_credit # said\nslots:\n");
  expect(changed(text, (change) => change.rename("slots", 2, "poor"))).toContain("on_error: poor # said\n");
});

test("an item is put into a list at the place that is asked for", () => {
  const text = "app: a\nslots:\n  - slot: ivr\n    file:\n      - A/a\n      - A/c # last\n";
  const after = changed(text, (change) => change.addItem("slots", 0, ["file"], 1, "A/b"));
  expect(after).toBe(text.replace("      - A/c", "      - A/b\n      - A/c"));
});

test("a name that is taken, or means something else, is refused and changes nothing", () => {
  for (const id of ["next", "hangup", "no credit", "-x", ""]) {
    const change = new FlowChange(CARD, TYPES);
    expect(() => change.rename("slots", 0, id)).toThrow(ChangeRefused);
    expect(change.text).toBe(CARD);
  }
  expect(() => changed(CARD, (change) => change.rename("slots", 0, "no_credit"))).toThrow("another slot is called");
});

test("a slot that is moved takes its comment along", () => {
  const after = changed(CARD, (change) => change.move("slots", 0, 2));
  expect(after.split("\n").slice(-5, -1)).toEqual(["  # Asks for the number.", "  - slot: ivr # first", "    file: IVR/ivr-please", "    result: ivr_destination"]);
});

test("what led to a slot that is removed leads where that went on", () => {
  const text = CARD.replace("slots:\n", "slots:\n  - slot: menu\n    file: A/b\n    options: {1: ask, 2: no_credit}\n").replace("  - slot: ivr # first", "  - slot: ivr # first\n    id: ask");
  const after = changed(text, (change) => change.remove("slots", [1]));
  expect(after).toContain("options: {1: destination, 2: no_credit}");
  expect(after).toContain("  - slot: destination\n    id: destination\n");
  expect(changed(text, (change) => change.remove("slots", [3]))).toContain("options: {1: ask, 2: hangup}");
});

test("slots are pasted into another app with other names where theirs are taken", () => {
  const copied = new FlowChange(CARD, TYPES).copy("slots", [1, 2]);
  const other = "app: other\nslots:\n- slot: audio\n  id: no_credit\n  file: A/b";
  const after = changed(other, (change) => change.paste("slots", 1, copied));
  expect(after).toBe(
    `${other}
- slot: destination
  external: \${ivr_destination}   # dialled
  on: {done: hangup, no_credit: no_credit_2}
- slot: hangup
  id: no_credit_2
  file: MISC/no-credit`,
  );
});

test("the first slot of a new app is put below `slots`, however little there is", () => {
  for (const [text, wanted] of [
    ["app: a\n", "app: a\nslots:\n  - slot: answer\n"],
    ["app: a\nslots:\n", "app: a\nslots:\n  - slot: answer\n"],
    ["app: a\nslots: []\n", "app: a\nslots:\n  - slot: answer\n"],
    ["app: a", "app: a\nslots:\n  - slot: answer"],
    ["app: a\nslots: # none\n# end\n", "app: a\nslots: # none\n  - slot: answer\n# end\n"],
  ] as const) {
    expect(changed(text, (change) => change.insert("slots", 0, { slot: "answer" }))).toBe(wanted);
  }
});

test("slots between brackets are edited too", () => {
  const text = "app: a\nslots: [{slot: answer}, {slot: hangup, id: end}] # short\n";
  expect(changed(text, (change) => change.insert("slots", 1, { slot: "audio", file: "A/b" }))).toBe(
    "app: a\nslots: [{slot: answer}, {slot: audio, file: A/b}, {slot: hangup, id: end}] # short\n",
  );
  expect(changed(text, (change) => change.remove("slots", [0]))).toBe("app: a\nslots: [{slot: hangup, id: end}] # short\n");
});

test("a text that is no flow is not edited", () => {
  for (const text of ["app: [", "- a\n- b\n", "app: &a x\nslots: [*a]\n"]) expect(() => new FlowChange(text, TYPES)).toThrow(ChangeRefused);
});

test("slots that nothing leads to are known", () => {
  const graph = graphOf(readFlow(CARD.replace("no_credit: no_credit", "no_credit: hangup")), TYPES);
  expect(graph.slots.map((slot) => slot.isReached)).toEqual([true, true, false]);
});

test.each([100, 500])("an edit of a flow of %i slots parses the slot that is edited, and nothing else", (count) => {
  const text = madeFlow(8, count);
  const before = new FlowChange(text, TYPES);
  before.graph();
  const index = before.flow.slots.findIndex((slot) => slot.fields.slot === "destination");
  work.parsed = 0;
  graphWork.slots = 0;
  const change = new FlowChange(text, TYPES);
  change.setField("slots", index, ["timeout"], 33);
  change.graph();
  const slot = change.flow.slots[index + 1]!.from - change.flow.slots[index]!.from;
  expect(work.parsed).toBeLessThanOrEqual(slot);
  expect(graphWork.slots).toBe(1);
}, 60_000);
