import { expect, test } from "vitest";
import { telephone } from "./telephone.svelte.ts";

test("the slot of a call is lit in the flow that it is in, and not in one with a slot of the same name", () => {
  expect(telephone.slotIn("card")).toBeNull();
  telephone.place = { app: "card", slot: "ivr[1]", type: "ivr", depth: 0 };
  expect([telephone.slotIn("card"), telephone.slotIn("other")]).toEqual(["ivr[1]", null]);
  telephone.place = null;
  expect(telephone.slotIn("card")).toBeNull();
});
