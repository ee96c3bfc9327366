import en from "../../phrases/en/clis.ts";
import type { Spec } from "../resource/spec.ts";

export const CLIS: Spec = {
  area: "clis",
  english: en,
  path: "/clis",
  id: "id",
  page: "/clis",
  change: "customers.change",
  imports: "/clis:import",
  columns: [
    { name: "id", sort: "id", width: "10ch", as: "link", small: "22%" },
    { name: "number", sort: "number", width: "20ch", small: "50%" },
    { name: "pattern", width: "24ch" },
    { name: "customer", width: "12ch", as: "customer", small: "28%" },
    { name: "notes" },
    { name: "source", width: "18ch", as: "status", hidden: true },
  ],
  filters: [{ name: "customer" }, { name: "pattern", words: ["true", "false"] }],
  fields: [
    { name: "customer", type: "customer", required: true },
    { name: "number", on: "add" },
    { name: "pattern", on: "add" },
    { name: "notes" },
  ],
};
