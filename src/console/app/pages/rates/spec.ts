import en from "../../phrases/en/rates.ts";
import type { Spec } from "../resource/spec.ts";

export const RATE_CARDS: Spec = {
  area: "rates",
  english: en,
  path: "/rate-cards",
  id: "name",
  page: "/rate-cards",
  change: "rates.change",
  subject: "rate card {id}",
  kinds: { true: "info" },
  columns: [
    { name: "name", sort: "name", as: "link", small: "50%" },
    { name: "currency", width: "12ch", small: "25%" },
    { name: "rows", width: "12ch", end: true, small: "25%" },
    { name: "default", width: "24ch", as: "status" },
    { name: "below_cost", width: "18ch", as: "status" },
    { name: "rounding", width: "16ch", as: "status", hidden: true },
  ],
  fields: [
    { name: "name", required: true, on: "add" },
    { name: "currency", required: true, on: "add" },
    { name: "decimals", type: "whole", on: "add" },
    { name: "rounding", type: "choice", words: ["up", "half_up", "half_even", "down"], on: "add" },
    { name: "below_cost", type: "choice", words: ["allow", "warn", "refuse"] },
    { name: "default", type: "check" },
  ],
  facts: [
    { name: "currency" },
    { name: "rows" },
    { name: "default", as: "yes" },
    { name: "decimals" },
    { name: "rounding", as: "status" },
    { name: "below_cost", as: "status" },
  ],
};
