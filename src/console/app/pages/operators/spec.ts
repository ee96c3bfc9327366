import { ask, type Schemas } from "../../api.ts";
import en from "../../phrases/en/operators.ts";
import type { Spec } from "../resource/spec.ts";

export const readRoles = async () => (await ask<{ items: Schemas["RoleForm"][] }>("GET", "/roles")).items;

/** Operators, with the roles that there are. */
export const operatorsSpec = (roles: Schemas["RoleForm"][]): Spec => ({
  area: "operators",
  english: en,
  path: "/operators",
  id: "name",
  page: "/operators",
  change: "operators.change",
  subject: "operator {id}",
  kinds: { true: "good", false: "bad" },
  columns: [
    { name: "name", sort: "name", width: "22ch", as: "link", small: "36%" },
    { name: "role", width: "16ch", small: "28%" },
    { name: "enabled", width: "15ch", as: "status", small: "36%" },
    { name: "email", width: "28ch" },
    { name: "notes" },
    { name: "password_set_at", width: "22ch", as: "time" },
  ],
  filters: [{ name: "enabled", words: ["true", "false"] }, { name: "role", words: roles.map((one) => one.name) }],
  fields: [
    { name: "role", type: "choice", words: roles.map((one) => one.name), on: "edit" },
    { name: "email", nullable: true, on: "edit" },
    { name: "notes", on: "edit" },
  ],
  facts: [
    { name: "role" },
    { name: "enabled", as: "status" },
    { name: "email" },
    { name: "notes" },
    { name: "created_at", as: "time" },
    { name: "password_set_at", as: "time" },
  ],
});
