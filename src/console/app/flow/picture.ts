/** A flow as the boxes and lines that @xyflow/svelte draws. */
import type { Edge, Node } from "@xyflow/svelte";
import { isObject } from "./condition.ts";
import { wasTaken, type FlowCoverage, type SlotCoverage } from "./exit_coverage.ts";
import type { FlowGraph, GraphSlot } from "./graph.ts";
import { layoutOf, WIDTH } from "./layout.ts";
import type { Value } from "./scalar.ts";
import { groupOf, type Group } from "./starters.ts";

/** The context in which a picture says where the call by the telephone is. A change of it makes no box anew. */
export const CALL_PLACE = Symbol("where the call is");
export interface CallPlace {
  /** The label of the slot; null: the call is in none of this picture. */
  readonly slot: string | null;
}

export type SlotChange = "added" | "removed" | "changed";

export interface BoxData extends Record<string, unknown> {
  slot: GraphSlot;
  group: Group;
  summary: string;
  problems: number;
  /** The exits of which the line is always drawn. */
  tree: ReadonlySet<string>;
  label: (index: number) => string;
  isDropTarget: boolean;
  change: SlotChange | null;
  /** By which exits scenarios left it; null: that is not drawn. */
  coverage: SlotCoverage | null;
  canFold: boolean;
  isFolded: boolean;
  hidden: number;
  fold: () => void;
}

export interface EntryData extends Record<string, unknown> {
  dids: readonly string[];
  usedBy: readonly string[];
  hasMore: boolean;
}

export interface PictureOptions {
  chosen: number | null;
  problems: ReadonlyMap<number, number>;
  folded: ReadonlySet<string>;
  fold: (label: string) => void;
  dropTarget: number | null;
  changes?: ReadonlyMap<number, SlotChange>;
  coverage?: FlowCoverage | null;
  entry: EntryData | null;
  allLines: boolean;
}

const ENTRY_HEIGHT = 52;
const ENTRY_GAP = 34;

export function pictureOf(graph: FlowGraph, options: PictureOptions): { nodes: Node[]; edges: Edge[] } {
  const layout = layoutOf(graph, options.folded);
  const shift = options.entry ? ENTRY_HEIGHT + ENTRY_GAP : 0;
  const label = (index: number) => graph.slots[index]?.label ?? "";
  const trees = new Map<number, Set<string>>();
  for (const line of layout.lines) {
    if (!line.isTree) continue;
    if (!trees.has(line.from)) trees.set(line.from, new Set());
    trees.get(line.from)!.add(line.exit);
  }
  const nodes = layout.boxes.map((box): Node => {
    const slot = graph.slots[box.index]!;
    const data: BoxData = {
      slot,
      group: groupOf(slot.known),
      summary: summaryOf(slot),
      problems: options.problems.get(box.index) ?? 0,
      tree: trees.get(box.index) ?? new Set(),
      label,
      isDropTarget: options.dropTarget === box.index,
      change: options.changes?.get(box.index) ?? null,
      coverage: options.coverage?.get(slot.label) ?? null,
      canFold: box.hidden > 0 || (trees.get(box.index)?.size ?? 0) > 1,
      isFolded: options.folded.has(slot.label),
      hidden: box.hidden,
      fold: () => options.fold(slot.label),
    };
    const position = { x: box.x, y: box.y + shift };
    return { id: nodeId(box.index), type: "slot", position, data, selected: options.chosen === box.index, width: box.width, height: box.height, ariaLabel: `${box.index + 1}. ${slot.type} ${slot.id ?? ""}`, ariaRole: "group" };
  });
  const edges = layout.lines
    .filter((line) => line.isTree || options.allLines || line.from === options.chosen || line.to === options.chosen)
    .map((line): Edge => {
      const exit = graph.slots[line.from]!.exits.find((one) => one.exit === line.exit)!;
      const isTaken = wasTaken(options.coverage?.get(graph.slots[line.from]!.label), line.exit);
      const isTouched = line.from === options.chosen || line.to === options.chosen;
      return {
        id: `${line.from} ${line.exit}`,
        source: nodeId(line.from),
        sourceHandle: line.exit,
        target: nodeId(line.to),
        targetHandle: exit.isMain && line.isTree ? "top" : "left",
        type: "smoothstep",
        class: [line.isTree ? "tree" : "cross", isTouched ? "touched" : "", isTaken === null ? "" : isTaken ? "taken" : "not-taken"].join(" "),
        focusable: false,
      };
    });
  if (options.entry) {
    nodes.unshift({ id: "entry", type: "entry", position: { x: 0, y: 0 }, data: options.entry, width: WIDTH, height: ENTRY_HEIGHT, selectable: false, focusable: false });
    if (layout.boxes.length) edges.unshift({ id: "entry", source: "entry", sourceHandle: "in", target: nodeId(0), targetHandle: "top", type: "smoothstep", class: "tree", focusable: false, selectable: false });
  }
  return { nodes, edges };
}

export const nodeId = (index: number) => `s${index}`;
export const indexOfNode = (id: string) => Number(id.slice(1));

const SUMMARY_FIELDS = ["external", "uri", "internal", "file", "value", "text", "call", "script", "to", "seconds", "name", "by", "action", "override", "variables", "cases", "hours", "options"];

/** What a slot does, in a few words of its fields. */
export function summaryOf(slot: GraphSlot): string {
  const { fields } = slot.slot;
  for (const field of SUMMARY_FIELDS) {
    const text = shortText(fields[field]);
    if (text) return field === "file" && typeof fields.result === "string" ? `${text} → ${fields.result}` : text;
  }
  return "";
}

function shortText(value: Value | undefined): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.every((one) => typeof one !== "object") ? value.join(", ") : `${value.length} ×`;
  if (!isObject(value)) return "";
  if ("say" in value) return `“${shortText(value.say)}”`;
  return Object.keys(value).join(", ");
}
