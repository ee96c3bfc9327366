/** A resource of the API that is listed, added, edited and deleted alike. What is special about one has a page of its own. */
import type { Query } from "../../api.ts";
import type { Words } from "../../phrases/phrases.svelte.ts";

export interface FieldSpec {
  /** As the API calls it; the phrases of the area have a word for it, and perhaps `NAME.hint`. */
  name: string;
  type?: "text" | "whole" | "number" | "choice" | "check" | "list" | "date" | "day" | "lines" | "customer" | "app" | "trunk";
  /** Of a choice; the phrases have a word for each as `NAME.WORD`. */
  words?: string[];
  required?: boolean;
  /** Whether it can be told when the thing is made, and changed later; both unless told. */
  on?: "add" | "edit" | "both";
  /** What is empty is null, such as for no limit. */
  nullable?: boolean;
  /** What it is when the form is opened. */
  begins?: string | boolean;
}

export const onAdd = (field: FieldSpec) => field.on !== "edit";
export const onEdit = (field: FieldSpec) => field.on !== "add";

export interface ColumnSpec {
  name: string;
  sort?: string;
  width?: string;
  small?: boolean | string;
  hidden?: boolean;
  end?: boolean;
  /** How it is shown; without it as text. */
  as?: "money" | "time" | "day" | "status" | "yes" | "customer" | "link" | "list";
}

export interface Spec {
  /** Of the phrases; also the name under which columns are kept. */
  area: string;
  english: Words;
  /** The list of the API. */
  path: string;
  /** The field that names a thing, in its path too. */
  id: string;
  /** The field by which people know it; unless told, the same. */
  name?: string;
  /** Below /console; with an ID behind it the page of one thing. */
  page: string;
  /** Who may add, edit and delete. */
  change: string;
  columns: ColumnSpec[];
  filters?: { name: string; words?: string[]; type?: "date" }[];
  fields?: FieldSpec[];
  /** What the page of one thing shows, unless told all fields of the list. */
  facts?: ColumnSpec[];
  fixed?: Query;
  searchable?: boolean;
  /** The import of a table (CSV or workbook) into the list. */
  imports?: string;
  /** Kinds of status: word and colour. */
  kinds?: Record<string, "good" | "info" | "bad" | "warn" | "plain">;
  /** What `subject` of the audit log a thing has; `{id}` stands for its ID. */
  subject?: string;
}
