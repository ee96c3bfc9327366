import { expect, test } from "vitest";
import fixture from "./fixture.json";
import { readFlow } from "./document.ts";
import { graphOf } from "./graph.ts";
import { layoutOf } from "./layout.ts";
import { madeFlow, TYPES } from "./test_flows.ts";

const TEXTS = [...fixture.flows.map((flow) => flow.text), ...Array.from({ length: 30 }, (_, seed) => madeFlow(seed)), madeFlow(8, 500)];

test("no two slots of a picture stand on each other, and what a slot goes on to stands below it", () => {
  for (const text of TEXTS) {
    const graph = graphOf(readFlow(text), TYPES);
    const { boxes, lines } = layoutOf(graph);
    expect(boxes.length).toBe(graph.slots.length);
    for (const column of new Set(boxes.map((box) => box.column))) {
      const stack = boxes.filter((box) => box.column === column).sort((one, other) => one.y - other.y);
      for (const [index, box] of stack.entries()) if (index) expect(box.y).toBeGreaterThan(stack[index - 1]!.y + stack[index - 1]!.height);
    }
    for (const line of lines.filter((one) => one.isTree)) {
      expect(boxes[line.to]!.y).toBeGreaterThanOrEqual(boxes[line.from]!.y);
      expect(boxes[line.to]!.column - boxes[line.from]!.column).toBeLessThanOrEqual(1);
    }
  }
}, 60_000);

test("every slot but those that nothing leads to hangs on one line", () => {
  for (const text of TEXTS) {
    const { boxes, lines } = layoutOf(graphOf(readFlow(text), TYPES));
    const hanging = lines.filter((line) => line.isTree).map((line) => line.to);
    expect(new Set(hanging).size).toBe(hanging.length);
    expect(hanging.length).toBeLessThan(Math.max(1, boxes.length));
  }
}, 60_000);

test("a branch is folded with all that only it leads to, and the order of slots is the order of rows", () => {
  const text = fixture.flows.find((flow) => flow.text.includes("app: prepaid_card"))!.text;
  const graph = graphOf(readFlow(text), TYPES);
  const whole = layoutOf(graph);
  const folded = layoutOf(graph, new Set(["short_keys"]));
  expect(whole.boxes.length - folded.boxes.length).toBe(3);
  expect(folded.boxes.find((box) => graph.slots[box.index]!.label === "short_keys")!.hidden).toBe(3);
  const main = whole.boxes.filter((box) => box.column === 0);
  expect(main.map((box) => box.index)).toEqual(main.toSorted((one, other) => one.y - other.y).map((box) => box.index));
}, 60_000);
