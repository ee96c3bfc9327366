/**
 * How much processor time one edit takes until picture, form and text agree, in flows of 100 and 500 slots. Measured by
 * `EDIT_TIME=1 npx vitest run app/flow/edit_time.test.ts`; what the tests of every day count is work, in flow_change.test.ts.
 */
import { expect, test } from "vitest";
import { FlowChange } from "./flow_change.ts";
import { graphOf } from "./graph.ts";
import { History } from "./history.ts";
import { pictureOf } from "./picture.ts";
import { placed } from "./problems.ts";
import { madeFlow, TYPES } from "./test_flows.ts";
import { difference } from "./text_edit.ts";

declare const process: { env: Record<string, string | undefined>; cpuUsage(): { user: number; system: number } };
const EDITS = process.env.EDIT_TIME ? 200 : 2;

test.each([
  [100, 50],
  [500, 150],
])("an edit of a flow of %i slots takes less than %i ms of processor time", (count, limit_ms) => {
  const history = new History(madeFlow(8, count));
  const options = { chosen: 3, problems: new Map(), folded: new Set<string>(), fold: () => {}, dropTarget: null, entry: null, allLines: false };
  const spent: number[] = [];
  for (let number = 0; number < EDITS; number++) {
    const before = process.cpuUsage();
    const change = new FlowChange(history.text, TYPES);
    const at = change.flow.slots.findIndex((slot) => slot.index >= (number * 7) % count && slot.fields.slot === "destination");
    if (at >= 0) change.setField("slots", at, ["timeout"], 10 + number);
    history.apply(difference(history.text, change.text), "edit");
    const picture = pictureOf(graphOf(change.flow, TYPES), options);
    placed(change.flow, []);
    const after = process.cpuUsage();
    spent.push((after.user + after.system - before.user - before.system) / 1000);
    expect(picture.nodes.length).toBe(count);
  }
  // The first one reads the whole text, as opening a flow does.
  const rest = spent.slice(1).sort((one, other) => one - other);
  const most = rest[Math.floor(rest.length * 0.99)] ?? rest.at(-1)!;
  if (process.env.EDIT_TIME) {
    console.log(`${count} slots: median ${rest[Math.floor(rest.length / 2)]!.toFixed(1)} ms, 99 of 100 below ${most.toFixed(1)} ms`);
    expect(most).toBeLessThan(limit_ms);
  }
}, 120_000);
