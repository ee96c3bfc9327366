import en from "../../phrases/en/calendars.ts";
import type { Spec } from "../resource/spec.ts";

export const CALENDARS: Spec = {
  area: "calendars",
  english: en,
  path: "/calendars",
  id: "name",
  page: "/calendars",
  change: "calendars.change",
  columns: [
    { name: "name", sort: "name", width: "24ch", as: "link", small: "60%" },
    { name: "entry_count", width: "12ch", end: true, small: "40%" },
    { name: "url" },
    { name: "fresh_at", width: "22ch", as: "time" },
    { name: "trouble", width: "24ch" },
  ],
  fields: [{ name: "name", required: true, on: "add" }, { name: "url", on: "add" }, { name: "notes" }],
  facts: [{ name: "entry_count" }, { name: "url" }, { name: "fresh_at", as: "time" }, { name: "tried_at", as: "time" }, { name: "trouble" }, { name: "notes" }],
};
