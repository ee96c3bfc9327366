/** Which slots of two texts are the same, changed, added or removed. */
import { same } from "./condition.ts";
import type { FlowGraph, GraphSlot } from "./graph.ts";
import type { SlotChange } from "./picture.ts";

export interface SlotChanges {
  /** By the index of a slot in the new text. */
  now: Map<number, SlotChange>;
  /** By the index of a slot in the old one. */
  before: Map<number, SlotChange>;
}

export function slotChanges(before: FlowGraph, now: FlowGraph): SlotChanges {
  const pairs = new Map<GraphSlot, GraphSlot>();
  const left = new Set(before.slots);
  const pair = (of: (one: GraphSlot, other: GraphSlot) => boolean) => {
    for (const slot of now.slots) {
      if (pairs.has(slot)) continue;
      const found = [...left].find((one) => of(one, slot));
      if (!found) continue;
      pairs.set(slot, found);
      left.delete(found);
    }
  };
  pair((one, other) => one.id !== null && one.id === other.id && one.type === other.type);
  pair((one, other) => same(one.slot.fields, other.slot.fields));
  // What is left in the same order, of the same type, was changed.
  pair((one, other) => one.type === other.type && (one.id === null || other.id === null));
  return {
    now: new Map(
      now.slots.flatMap((slot): [number, SlotChange][] => {
        const old = pairs.get(slot);
        if (!old) return [[slot.index, "added"]];
        return same(old.slot.fields, slot.slot.fields) ? [] : [[slot.index, "changed"]];
      }),
    ),
    before: new Map([...left].map((slot): [number, SlotChange] => [slot.index, "removed"])),
  };
}
