import en from "../../phrases/en/customers.ts";
import type { Spec } from "../resource/spec.ts";

const STATUS = ["active", "inactive", "penalty", "pending"];

export const CUSTOMERS: Spec = {
  area: "customers",
  english: en,
  path: "/customers",
  id: "id",
  name: "name",
  page: "/customers",
  change: "customers.change",
  imports: "/customers:import",
  subject: "customer {id}",
  kinds: { active: "good", inactive: "plain", penalty: "bad", pending: "warn" },
  columns: [
    { name: "id", sort: "id", width: "10ch", as: "link", small: "18%" },
    { name: "name", sort: "name", as: "link", small: "46%" },
    { name: "status", width: "14ch", as: "status" },
    { name: "balance", width: "18ch", as: "money", small: "36%" },
    { name: "channels", width: "12ch", end: true },
    { name: "caller_id", width: "18ch", hidden: true },
    { name: "language", width: "12ch", hidden: true },
    { name: "source", width: "18ch", as: "status", hidden: true },
  ],
  filters: [{ name: "status", words: STATUS }, { name: "currency" }],
  fields: [
    { name: "name", required: true },
    { name: "currency", on: "add" },
    { name: "status", type: "choice", words: STATUS },
    { name: "channels", type: "whole", nullable: true },
    { name: "caller_id", nullable: true },
    { name: "language", nullable: true },
    { name: "id", type: "whole", on: "add" },
  ],
  facts: [
    { name: "id" },
    { name: "status", as: "status" },
    { name: "channels" },
    { name: "caller_id" },
    { name: "language" },
    { name: "source", as: "status" },
  ],
};
