/** Where the slots of a picture stand: order is the row, branches are columns. Derived from the graph, never stored. */
import type { Exit, FlowGraph, GraphSlot } from "./graph.ts";

export interface Box {
  index: number;
  x: number;
  y: number;
  width: number;
  height: number;
  column: number;
  /** How many slots are folded into it. */
  hidden: number;
}

export interface Line {
  from: number;
  exit: string;
  to: number;
  /** Whether the slot stands where it does because of this line; the others are drawn when one end is chosen. */
  isTree: boolean;
}

export interface Layout {
  boxes: Box[];
  lines: Line[];
  width: number;
  height: number;
}

export const WIDTH = 228;
export const HEAD = 52;
export const EXIT = 24;
const FOOT = 6;
const ACROSS = 64;
const DOWN = 34;

export function layoutOf(graph: FlowGraph, folded: ReadonlySet<string> = new Set()): Layout {
  const { slots } = graph;
  const hidden = hiddenBy(slots, folded);
  const shown = slots.filter((slot) => !hidden.has(slot.index));
  const leading = firstLeading(slots, hidden);
  const boxes = new Map<number, Box>();
  const bottoms: number[] = [];
  for (const slot of shown) {
    const from = leading.get(slot.index);
    const parent = from && boxes.get(from.slot.index);
    const column = parent ? (from.exit.isMain ? parent.column : parent.column + 1) : 0;
    const height = heightOf(slot);
    const beside = parent ? (from.exit.isMain ? parent.y + parent.height + DOWN : parent.y) : 0;
    const above = bottoms[column];
    const y = Math.max(beside, above === undefined ? 0 : above + DOWN);
    boxes.set(slot.index, { index: slot.index, x: column * (WIDTH + ACROSS), y, width: WIDTH, height, column, hidden: 0 });
    bottoms[column] = y + height;
  }
  for (const root of hidden.values()) boxes.get(root)!.hidden++;
  const lines = shown.flatMap((slot) =>
    slot.exits
      .filter((exit) => exit.to !== null && !hidden.has(exit.to) && exit.to !== slot.index)
      .map((exit): Line => {
        const tree = leading.get(exit.to!);
        return { from: slot.index, exit: exit.exit, to: exit.to!, isTree: tree?.slot === slot && tree.exit === exit };
      }),
  );
  const all = [...boxes.values()];
  return {
    boxes: all,
    lines,
    width: Math.max(WIDTH, ...all.map((box) => box.x + box.width)),
    height: Math.max(0, ...all.map((box) => box.y + box.height)),
  };
}

export function heightOf(slot: GraphSlot): number {
  const exits = slot.known?.ends_call ? 0 : slot.exits.length + slot.jumps.length;
  return HEAD + exits * EXIT + FOOT;
}

interface Leading {
  slot: GraphSlot;
  exit: Exit;
}

/** For each slot the exit that says where it stands: that of the slot above that goes on to it, else the first. */
function firstLeading(slots: readonly GraphSlot[], hidden: ReadonlyMap<number, number>): Map<number, Leading> {
  const found = new Map<number, Leading>();
  for (const slot of slots) {
    if (hidden.has(slot.index)) continue;
    for (const exit of slot.exits) {
      if (exit.to === null || exit.to <= slot.index) continue;
      const before = found.get(exit.to);
      const falls = exit.isMain && exit.to === slot.index + 1;
      if (!before || (falls && !before.exit.isMain)) found.set(exit.to, { slot, exit });
    }
  }
  return found;
}

/** The slots that are folded away, each with the folded slot through which alone a call comes to it. */
function hiddenBy(slots: readonly GraphSlot[], folded: ReadonlySet<string>): Map<number, number> {
  const hidden = new Map<number, number>();
  for (const root of slots) {
    if (!folded.has(root.label) || hidden.has(root.index)) continue;
    const without = new Set<number>();
    const waiting = slots.length && root.index !== 0 ? [0] : [];
    while (waiting.length) {
      const index = waiting.pop()!;
      if (without.has(index) || index === root.index) continue;
      without.add(index);
      for (const exit of slots[index]!.exits) if (exit.to !== null) waiting.push(exit.to);
    }
    for (const slot of slots) if (slot.isReached && slot !== root && !without.has(slot.index)) hidden.set(slot.index, root.index);
  }
  // One that was folded into another that is folded away itself counts at the one that is shown.
  for (const [index, root] of hidden) {
    let shown = root;
    while (hidden.has(shown)) shown = hidden.get(shown)!;
    hidden.set(index, shown);
  }
  return hidden;
}
