import en from "../../phrases/en/dids.ts";
import type { Spec } from "../resource/spec.ts";

export const DIDS: Spec = {
  area: "dids",
  english: en,
  path: "/dids",
  id: "number",
  page: "/dids",
  change: "dids.change",
  imports: "/dids:import",
  subject: "DID {id}",
  kinds: { true: "good", false: "plain" },
  columns: [
    { name: "number", sort: "number", width: "20ch", as: "link", small: "46%" },
    { name: "app", sort: "app", small: "32%" },
    { name: "identify", width: "27ch", as: "status" },
    { name: "customer", width: "12ch", as: "customer" },
    { name: "channels", width: "12ch", end: true },
    { name: "enabled", width: "12ch", as: "status", small: "22%" },
    { name: "script", width: "16ch" },
  ],
  filters: [{ name: "customer" }, { name: "app" }, { name: "enabled", words: ["true", "false"] }],
  fields: [
    { name: "number", required: true, on: "add" },
    { name: "app", type: "app", required: true },
    { name: "identify", type: "choice", words: ["cli", "none"] },
    { name: "customer", type: "customer", nullable: true },
    { name: "channels", type: "whole", nullable: true },
    { name: "withheld", type: "choice", words: ["identify", "reject"] },
    { name: "reject_code", type: "whole" },
    { name: "variable", nullable: true },
    { name: "script", nullable: true, on: "add" },
    { name: "script_timeout_s", type: "number", nullable: true, on: "add" },
    { name: "script_fallback", nullable: true, on: "add" },
    { name: "script_vars", nullable: true, on: "add" },
    { name: "enabled", type: "check", begins: true },
  ],
  facts: ["number", "app", "identify", "customer", "enabled", "channels", "reject_code", "withheld", "variable", "script", "script_timeout_s", "script_fallback", "script_vars", "source"].map((name) => ({
    name,
    as: name === "customer" ? "customer" : ["identify", "enabled", "withheld", "source"].includes(name) ? "status" : undefined,
  })),
};
