import { expect, test } from "vitest";
import { readFlow } from "./document.ts";
import { graphOf } from "./graph.ts";
import { slotChanges } from "./slot_changes.ts";
import { TYPES } from "./test_flows.ts";

function changes(before: string, now: string) {
  const [old, young] = [before, now].map((slots) => graphOf(readFlow(`app: a\nslots:\n${slots}`), TYPES));
  const found = slotChanges(old!, young!);
  return { now: Object.fromEntries(found.now), before: Object.fromEntries(found.before) };
}

test("a slot that moves is the same, and one with another value is changed", () => {
  const answer = "  - slot: answer\n";
  const hangup = "  - slot: hangup\n";
  expect(changes(answer + hangup, hangup + answer)).toEqual({ now: {}, before: {} });
  expect(changes("  - {slot: audio, id: hello, file: A/a}\n" + hangup, hangup + "  - {slot: audio, id: hello, file: A/b}\n")).toEqual({ now: { 1: "changed" }, before: {} });
});

test("a slot that gets a name is changed, and one with another name is another slot", () => {
  expect(changes("  - {slot: audio, file: A/a}\n", "  - {slot: audio, id: hello, file: A/a}\n")).toEqual({ now: { 0: "changed" }, before: {} });
  expect(changes("  - {slot: audio, id: hello, file: A/a}\n", "  - {slot: audio, id: bye, file: A/a}\n")).toEqual({ now: { 0: "added" }, before: { 0: "removed" } });
});
