/** What is typed into the fields of a spec, as the API takes it, and the other way round. */
import { decimal, whole } from "../../components/values.ts";
import { onAdd, onEdit, type FieldSpec } from "./spec.ts";

export type Typed = Record<string, string | boolean>;

/** The fields of a new thing. */
export function blank(fields: FieldSpec[]): Typed {
  return Object.fromEntries(fields.map((one) => [one.name, one.begins ?? (one.type === "check" ? false : one.type === "choice" && !one.nullable ? one.words![0]! : "")]));
}

/** The fields of a thing that is there. */
export function typedOf(fields: FieldSpec[], thing: Record<string, unknown>): Typed {
  return Object.fromEntries(
    fields.map((one) => {
      const value = thing[one.name];
      if (one.type === "check") return [one.name, Boolean(value)];
      if (one.type === "list") return [one.name, ((value as string[] | null) ?? []).join(", ")];
      return [one.name, value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value)];
    }),
  );
}

function valueOf(field: FieldSpec, typed: string | boolean | undefined): unknown {
  if (field.type === "check") return Boolean(typed);
  const text = String(typed ?? "");
  if (field.nullable && text.trim() === "") return null;
  if (field.type === "whole" || field.type === "customer") return whole(text) ?? undefined;
  if (field.type === "number") return decimal(text) ?? undefined;
  if (field.type === "list") return text.split(",").map((one) => one.trim()).filter(Boolean);
  return text.trim();
}

/** The body that adds a thing: what was left empty is left out. */
export function bodyOf(fields: FieldSpec[], typed: Typed): Record<string, unknown> {
  return Object.fromEntries(
    fields.filter(onAdd).flatMap((field) => {
      const value = valueOf(field, typed[field.name]);
      const left = value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);
      return left ? [] : [[field.name, value]];
    }),
  );
}

/** The body that changes a thing: what is different. */
export function changesOf(fields: FieldSpec[], before: Typed, typed: Typed): Record<string, unknown> {
  return Object.fromEntries(fields.filter((one) => onEdit(one) && typed[one.name] !== before[one.name]).map((one) => [one.name, valueOf(one, typed[one.name])]));
}
