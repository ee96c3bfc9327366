import { expect, test } from "vitest";
import fixture from "./fixture.json";
import { readFlow } from "./document.ts";
import { graphOf } from "./graph.ts";
import { TYPES } from "./test_flows.ts";

test.each(fixture.flows.map((flow, index) => [`${index} ${/app: *(\S+)/.exec(flow.text)?.[1]}`, flow] as const))(
  "the graph of a flow is the server's picture: %s",
  (_, { text, slots }) => {
    const graph = graphOf(readFlow(text), TYPES);
    const found = graph.slots.map((slot) => ({
      slot: slot.label,
      line: text.slice(0, slot.slot.from).split("\n").length,
      calls: slot.calls,
      exits: [
        ...slot.jumps.map((app) => ["app", null, "app", null, app, null]),
        ...slot.exits.map((exit) => [exit.exit, exit.target, exit.way, exit.to === null ? null : exit.to + 1, exit.app, exit.returns]),
      ],
    }));
    const wanted = slots.map((slot) => ({
      ...slot,
      exits: slot.exits.map(([exit, ...rest]) => [rest[1] === "app" && rest[0] === null ? "app" : exit, ...rest]),
    }));
    expect(found).toEqual(wanted);
  },
  60_000,
);
