import { expect, test } from "vitest";
import { readFlow } from "./document.ts";
import { placed } from "./problems.ts";

const at = (text: string, line: number, column: number) => placed(readFlow(text), [{ code: "x", path: "", line, column, what: "", mend: "" }])[0]!;

test("a problem stands at its slot and field", () => {
  const text = "app: a\nslots:\n  - slot: answer\n  - slot: audio\n    file: A/b\non_hangup:\n  - slot: set\n    variables: {a: b}\n";
  expect(at(text, 5, 11)).toMatchObject({ list: "slots", index: 1, field: "file", offset: text.indexOf("A/b") });
  expect(at(text, 3, 5)).toMatchObject({ list: "slots", index: 0, field: "slot" });
  expect(at(text, 8, 16)).toMatchObject({ list: "on_hangup", index: 0, field: "variables" });
  expect(at(text, 1, 6)).toMatchObject({ list: null, index: null, field: null });
});

test("a problem of the whole text belongs to no slot", () => {
  expect(at("slots:\n  - slot: answer\n", 0, 0)).toMatchObject({ list: null, index: null, field: null });
});

test("columns count characters, of which some are two for JavaScript", () => {
  const text = "app: a\nslots:\n  - {slot: say, value: \u{1f4de}\u{1f4de}, as: text}\n";
  expect(at(text, 3, 28)).toMatchObject({ index: 0, field: "as", offset: text.indexOf("as: text") });
});
