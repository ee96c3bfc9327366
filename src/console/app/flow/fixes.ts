/** What certainly mends a problem, as something that can be done by a button. */
import { isMap } from "yaml";
import { keyOf, listOf, type Step } from "./document.ts";
import type { FlowEditor } from "./editor.svelte.ts";
import type { FlowChange } from "./flow_change.ts";
import { valueAt } from "./graph.ts";
import type { PlacedProblem } from "./problems.ts";
import { phrases } from "../phrases/phrases.svelte.ts";
import en from "../phrases/en/builder.ts";

export interface Fix {
  label: string;
  by: (change: FlowChange) => void;
}

const t = phrases("builder", en);
const MEANT = /^did you mean `?([^`?]+?)`?\?/;

export function fixesOf(editor: FlowEditor, problem: PlacedProblem): Fix[] {
  const { list, index, field } = problem;
  if (list === null || index === null || editor.isBroken || !editor.checked) return [];
  const slot = listOf(editor.flow, list)[index];
  if (!slot) return [];
  const meant = MEANT.exec(problem.mend)?.[1];
  switch (problem.code) {
    case "slot_unreachable":
      return [{ label: t("fix.remove"), by: (change) => change.remove(list, [index]) }];
    case "key_unknown":
      if (field === null) return [];
      return [
        ...(meant && !(meant in slot.fields) ? [{ label: t("fix.write", { word: meant }), by: (change: FlowChange) => change.renameKey(list, index, [], field, meant) }] : []),
        { label: t("fix.drop", { word: field }), by: (change) => change.unsetField(list, index, [field]) },
      ];
    case "target_unknown":
    case "app_unknown":
    case "prompt_unknown":
    case "slot_type_unknown": {
      const path = pathAt(editor, problem);
      const value = path && valueAt(slot.fields, path);
      if (!path || typeof value !== "string" || !meant) return [];
      const prefix = problem.code === "app_unknown" && value.startsWith("app:") && !meant.startsWith("app:") ? "app:" : "";
      return [{ label: t("fix.write", { word: prefix + meant }), by: (change) => change.setField(list, index, path, prefix + meant) }];
    }
    default:
      return [];
  }
}

/** The steps from a slot to the value that begins where a problem is. */
function pathAt(editor: FlowEditor, problem: PlacedProblem): Step[] | null {
  const slot = listOf(editor.flow, problem.list!)[problem.index!]!;
  const wanted = problem.offset - slot.base;
  const find = (node: unknown, path: Step[]): Step[] | null => {
    const one = node as { range?: number[]; items?: unknown[] } | null;
    if (!one) return null;
    if (!one.items) return one.range?.[0] === wanted ? path : null;
    for (const [index, item] of one.items.entries()) {
      const found = isMap(node) ? find((item as { value: unknown }).value, [...path, keyOf((item as { key: unknown }).key)]) : find(item, [...path, index]);
      if (found) return found;
    }
    return null;
  };
  return find(slot.node, []);
}
