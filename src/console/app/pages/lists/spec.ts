import en from "../../phrases/en/lists.ts";
import type { Spec } from "../resource/spec.ts";

export const LISTS: Spec = {
  area: "lists",
  english: en,
  path: "/value-lists",
  id: "name",
  page: "/lists",
  change: "lists.change",
  columns: [
    { name: "name", sort: "name", width: "28ch", as: "link", small: "50%" },
    { name: "kind", width: "16ch", as: "status", small: "50%" },
    { name: "notes" },
  ],
  filters: [{ name: "kind", words: ["numbers", "text"] }],
  fields: [{ name: "name", required: true }, { name: "kind", type: "choice", words: ["numbers", "text"], on: "add" }, { name: "notes" }],
  facts: [{ name: "kind", as: "status" }, { name: "entry_count" }, { name: "notes" }],
};
