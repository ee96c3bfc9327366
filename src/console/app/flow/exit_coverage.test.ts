import { expect, test } from "vitest";
import { coverageOf, countExits, wasTaken, type SlotCoverage } from "./exit_coverage.ts";
import { readFlow } from "./document.ts";
import { graphOf } from "./graph.ts";
import { pictureOf, type BoxData } from "./picture.ts";
import { TYPES } from "./test_flows.ts";

const slot = (app: string, name: string, taken: string[], not_taken: string[]): SlotCoverage => ({ app, slot: name, entered: taken.length, taken, not_taken });
const FOUND = [slot("card", "ask", ["done"], ["no_input"]), slot("other", "ask", [], ["done"]), slot("card", "destination[2]", [], ["done"])];

test("exits are counted for the flow that is shown, and not for the others that its scenarios passed through", () => {
  const coverage = coverageOf("card", FOUND);
  expect([...coverage.keys()]).toEqual(["ask", "destination[2]"]);
  expect(countExits(coverage)).toEqual({ taken: 1, notTaken: 2 });
  expect(["done", "no_input", "busy"].map((exit) => wasTaken(coverage.get("ask"), exit))).toEqual([true, false, null]);
  expect(wasTaken(undefined, "done")).toBeNull();
});

test("lines of exits that were taken and of those that were not are told apart in the picture, and others stay plain", () => {
  const graph = graphOf(readFlow("app: card\nslots:\n  - slot: ivr\n    id: ask\n    file: A\n    result: x\n    on: {no_input: bye, invalid: bye}\n  - slot: destination\n    external: ${x}\n  - slot: hangup\n    id: bye\n"), TYPES);
  const options = { chosen: null, problems: new Map(), folded: new Set<string>(), fold: () => undefined, dropTarget: null, entry: null, allLines: true };
  const coverage = coverageOf("card", FOUND);
  const classes = (edges: { id: string; class?: unknown }[]) => Object.fromEntries(edges.map((one) => [one.id, String(one.class).split(" ").filter((name) => name.includes("taken"))]));
  expect(classes(pictureOf(graph, { ...options, coverage }).edges)).toEqual({ "0 done": ["taken"], "0 no_input": ["not-taken"], "0 invalid": [], "1 done": ["not-taken"] });
  expect(Object.values(classes(pictureOf(graph, options).edges)).flat()).toEqual([]);
  expect(pictureOf(graph, { ...options, coverage }).nodes.map((node) => (node.data as BoxData).coverage?.slot ?? null)).toEqual(["ask", "destination[2]", null]);
});
