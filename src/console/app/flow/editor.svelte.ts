/** One app while somebody edits it: its text, what was chosen in it, its draft at the server, and what that says of it. */
import { answered, ask, part, Problem, type Schemas } from "../api.ts";
import en from "../phrases/en/builder.ts";
import { phrases } from "../phrases/phrases.svelte.ts";
import { readFlow, type FlowDocument, type ListName } from "./document.ts";
import { ChangeRefused, FlowChange } from "./flow_change.ts";
import { graphOf } from "./graph.ts";
import { History } from "./history.ts";
import { placed, slotAt, type CheckProblem } from "./problems.ts";
import type { SlotType, SlotTypes } from "./slot_type.ts";
import { difference, type TextEdit } from "./text_edit.ts";

/** What a draft is at the moment; `conflict`: somebody else saved another one. */
export type DraftState = "none" | "saved" | "unsaved" | "saving" | "failed" | "conflict";

const t = phrases("builder", en);

const YAML = { "Content-Type": "application/yaml" };
const SAVE_AFTER_MS = 400;
const CHECK_AFTER_MS = 250;
const LOOK_EVERY_MS = 3000;
const COUNT_EVERY_MS = 10_000;

type FlowDetail = Schemas["FlowDetailForm"];

/** For whoever shows the text: the edits that were made, but for those that come from there. */
type Listener = (edits: readonly TextEdit[], source: object | null) => void;

export class FlowEditor {
  text = $state.raw("");
  canUndo = $state(false);
  canRedo = $state(false);
  undoLabel = $state("");
  redoLabel = $state("");
  /** The slot that was chosen. */
  chosen = $state.raw<{ list: ListName; index: number } | null>(null);
  message = $state("");
  /** How many calls go on by texts that ran before the one that runs now. */
  oldCalls = $state(0);
  detail = $state.raw<FlowDetail | null>(null);
  draft = $state<DraftState>("none");
  /** Who saved the draft last, and why it is not saved. */
  draftBy = $state("");
  draftMessage = $state("");
  found = $state.raw<readonly CheckProblem[]>([]);
  /** Whether the problems are those of the text as it is now. */
  checked = $state(false);

  /** The text as it is now, or where that cannot be read as it was before: the picture does not vanish while somebody types. */
  readonly flow = $derived.by(() => this.#readable());
  readonly graph = $derived.by(() => graphOf(this.flow, this.types));
  readonly #read = $derived(readFlow(this.text));
  readonly problems = $derived(placed(this.#read, this.found));
  readonly isBroken = $derived(this.#read.problems.length > 0);
  readonly textProblems = $derived(this.#read.problems);

  #history = new History("");
  #last: FlowDocument | null = null;
  #listeners = new Set<Listener>();
  #etag: string | null = null;
  /** The text of the draft at the server. */
  #saved = "";
  /** Which text ran when this one was begun from it. */
  #running: string | null = null;
  #saving: ReturnType<typeof setTimeout> | undefined;
  #checking: ReturnType<typeof setTimeout> | undefined;
  #looking: ReturnType<typeof setInterval> | undefined;
  #counting: ReturnType<typeof setInterval> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    readonly app: string,
    readonly types: SlotTypes,
    readonly mayChange: boolean,
    /** Whether calls in progress may be asked for. */
    readonly mayCount: boolean,
  ) {}

  static async open(app: string, mayChange: boolean, mayCount: boolean): Promise<FlowEditor> {
    const [types, detail] = await Promise.all([slotTypes(), ask<FlowDetail>("GET", `/flows/${part(app)}`)]);
    const editor = new FlowEditor(app, types, mayChange, mayCount);
    editor.detail = detail;
    await editor.#load(detail.draft ? "draft" : "file");
    editor.#takeBack();
    void editor.check();
    editor.#looking = setInterval(() => void editor.#look(), LOOK_EVERY_MS);
    editor.#counting = setInterval(() => void editor.countCalls(), COUNT_EVERY_MS);
    void editor.countCalls();
    return editor;
  }

  close() {
    this.#closed = true;
    clearInterval(this.#looking);
    clearInterval(this.#counting);
    clearTimeout(this.#checking);
    void this.flush();
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #readable(): FlowDocument {
    if (this.#read.problems.length && this.#last) return this.#last;
    return (this.#last = this.#read);
  }

  // --- changing the text ------------------------------------------------------------------------------------

  /** Does something to the flow, all of it or nothing; returns what it returned, or undefined where it is refused. */
  change<T>(label: string, by: (change: FlowChange) => T): T | undefined {
    if (!this.mayChange) return undefined;
    try {
      const change = new FlowChange(this.text, this.types);
      const made = by(change);
      this.#apply(difference(this.text, change.text), label);
      this.message = "";
      return made;
    } catch (error) {
      if (!(error instanceof ChangeRefused)) throw error;
      this.message = error.message;
      return undefined;
    }
  }

  /** What was typed into the text. */
  typed(edits: TextEdit[], source: object, label: string, at: number) {
    this.#apply(edits, label, source, { typed: true, at });
  }

  replaceText(text: string, label: string) {
    this.#apply(difference(this.text, text), label);
  }

  undo() {
    this.#again(this.#history.undo());
  }

  redo() {
    this.#again(this.#history.redo());
  }

  choose(list: ListName, index: number) {
    this.chosen = { list, index };
  }

  chooseAt(offset: number) {
    const slot = this.isBroken ? null : slotAt(this.flow, offset);
    if (slot && (this.chosen?.index !== slot.index || this.chosen.list !== slot.list)) this.choose(slot.list, slot.index);
  }

  #apply(edits: TextEdit[], label: string, source: object | null = null, how = {}) {
    if (!edits.length) return;
    this.#history.apply(edits, label, how);
    this.#show(edits, source);
  }

  #again(edits: TextEdit[] | null) {
    if (edits) this.#show(edits, null);
  }

  #show(edits: readonly TextEdit[], source: object | null) {
    this.text = this.#history.text;
    this.canUndo = this.#history.canUndo;
    this.canRedo = this.#history.canRedo;
    this.undoLabel = this.#history.undoLabel;
    this.redoLabel = this.#history.redoLabel;
    const count = this.chosen && (this.chosen.list === "slots" ? this.flow.slots : this.flow.onHangup).length;
    if (this.chosen && !this.isBroken && this.chosen.index >= count!) this.chosen = count ? { ...this.chosen, index: count - 1 } : null;
    for (const listener of this.#listeners) listener(edits, source);
    this.checked = false;
    clearTimeout(this.#checking);
    this.#checking = setTimeout(() => this.check(), CHECK_AFTER_MS);
    if (this.draft !== "conflict") this.draft = "unsaved";
    clearTimeout(this.#saving);
    if (this.draft !== "conflict") this.#saving = setTimeout(() => void this.flush(), SAVE_AFTER_MS);
  }

  // --- the server -------------------------------------------------------------------------------------------

  async check() {
    const text = this.text;
    clearTimeout(this.#checking);
    try {
      const said = await ask<{ problems: CheckProblem[] }>("POST", `/flows/${part(this.app)}:check`, { body: text, headers: YAML });
      if (text !== this.text || this.#closed) return;
      this.found = said.problems;
      this.checked = true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // The next text is checked by itself; this one again, when the server may be there.
      if (text === this.text && !this.#closed) this.#checking = setTimeout(() => void this.check(), LOOK_EVERY_MS);
    }
  }

  /** Saves what is not saved yet; resolves when nothing is left, or when it could not be saved. */
  flush(): Promise<void> {
    clearTimeout(this.#saving);
    this.#writing = this.#writing.then(() => this.#save());
    return this.#writing;
  }

  async #save() {
    if (this.draft !== "unsaved" && this.draft !== "failed") return;
    const text = this.text;
    if (text === this.#saved && this.#etag !== null) {
      this.draft = "saved";
      return;
    }
    this.draft = "saving";
    try {
      const headers = this.#etag === null ? { ...YAML, "If-None-Match": "*" } : YAML;
      const said = await answered<Schemas["DraftForm"]>("PUT", `/flows/${part(this.app)}/draft`, { body: text, headers, match: this.#etag ?? undefined });
      this.#etag = said.etag ?? `"${said.data.revision}"`;
      this.#saved = text;
      this.draftBy = said.data.operator;
      this.draftMessage = "";
      sessionStorage.removeItem(this.#kept);
      this.draft = this.text === text ? "saved" : "unsaved";
      if (this.draft === "unsaved") this.#saving = setTimeout(() => void this.flush(), SAVE_AFTER_MS);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.draftMessage = error.lost ? t("draft.lost") : error.message;
      this.draft = error.status === 412 ? "conflict" : "failed";
      this.#keepHere(text);
      if (error.lost || error.status >= 500) this.#saving = setTimeout(() => void this.flush(), LOOK_EVERY_MS);
    }
  }

  async countCalls() {
    if (document.hidden || !this.mayCount) return;
    try {
      const { items } = await ask<{ items: Schemas["RevisionCallsForm"][] }>("GET", `/flows/${part(this.app)}/calls`, { query: { limit: 100 } });
      const running = this.detail?.revision;
      this.oldCalls = items.filter((one) => one.revision !== running).reduce((sum, one) => sum + one.in_progress, 0);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }

  /** Asks anew what the server knows of the app besides its text, such as the DIDs that lead to it. */
  async refresh() {
    this.detail = await ask<FlowDetail>("GET", `/flows/${part(this.app)}`);
  }

  get #kept(): string {
    return `ringflow-unsaved ${this.app}`;
  }

  /** What could not be saved stays in this window when the page is loaded again. */
  #keepHere(text: string) {
    try {
      sessionStorage.setItem(this.#kept, JSON.stringify({ text, etag: this.#etag }));
    } catch {
      // There is no room for it: it stays on the page.
    }
  }

  /** Takes up what was not saved when the page was left. Saving it says where somebody else was quicker. */
  #takeBack() {
    const kept = sessionStorage.getItem(this.#kept);
    if (!kept || !this.mayChange) return;
    sessionStorage.removeItem(this.#kept);
    const { text, etag } = JSON.parse(kept) as { text: string; etag: string | null };
    if (text === this.text) return;
    this.#etag = etag;
    this.replaceText(text, t("did.taken-back"));
  }

  /** Looks whether somebody else has saved the draft, or has published. */
  async #look() {
    if (document.hidden || this.draft === "saving" || this.draft === "conflict") return;
    try {
      const detail = await ask<FlowDetail>("GET", `/flows/${part(this.app)}`);
      if (this.#closed) return;
      this.detail = detail;
      const mine = this.#etag?.replace(/^W\/|"/g, "") ?? null;
      if ((detail.draft?.revision ?? null) === mine && (mine !== null || detail.revision === this.#running)) return;
      // What is typed here goes on; saving it says that somebody else was quicker.
      if (this.#isPending()) return;
      await this.#load(detail.draft ? "draft" : "file");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }

  #isPending(): boolean {
    return this.draft === "unsaved" || this.draft === "saving" || this.draft === "conflict";
  }

  async #load(version: "draft" | "file") {
    const path = version === "draft" ? `/flows/${part(this.app)}/draft` : `/flows/${part(this.app)}/text`;
    const said = await answered<string>("GET", path);
    if (this.#closed) return;
    this.#etag = version === "draft" ? said.etag : null;
    this.#saved = said.data;
    if (this.#history.text === "" && !this.text) {
      this.#history = new History(said.data);
      this.text = said.data;
    } else this.#apply(difference(this.text, said.data), "");
    clearTimeout(this.#saving);
    this.draft = version === "draft" ? "saved" : "none";
    if (version === "file") this.#running = said.etag?.replace(/^W\/|"/g, "") ?? null;
    this.draftBy = version === "draft" ? (this.detail?.draft?.operator ?? "") : "";
  }

  /** The draft of somebody else takes the place of what was typed here, which undo gives back. */
  async takeTheirs() {
    this.detail = await ask<FlowDetail>("GET", `/flows/${part(this.app)}`);
    await this.#load(this.detail.draft ? "draft" : "file");
  }

  /** What was typed here takes the place of the other one's draft, which was seen. */
  async keepMine() {
    const said = await answered<string>("GET", `/flows/${part(this.app)}/draft`);
    this.#etag = said.etag;
    this.#saved = said.data;
    this.draft = "unsaved";
    await this.flush();
  }

  async theirs(): Promise<string> {
    return await ask<string>("GET", `/flows/${part(this.app)}/draft`);
  }

  /** Throws the draft away: what runs is edited again. */
  async discard() {
    await this.flush();
    if (this.#etag !== null) await ask("DELETE", `/flows/${part(this.app)}/draft`, { match: this.#etag });
    this.detail = await ask<FlowDetail>("GET", `/flows/${part(this.app)}`);
    await this.#load("file");
  }

  /** `over`: revisions that are replaced although the draft did not begin from them, because somebody has seen them. */
  async publish(note: string, over: string[] = []): Promise<void> {
    await this.flush();
    const revision = this.#etag?.replace(/^W\/|"/g, "");
    const made = await ask<Schemas["PublicationForm"]>("POST", `/flows/${part(this.app)}:publish`, { body: { source: "draft", revision, note, over } });
    this.#etag = null;
    this.#running = made.revision;
    this.draft = "none";
    await this.refresh();
    await this.countCalls();
  }

  /** The text that runs, which is what a publication replaces. */
  async running(): Promise<string> {
    try {
      return await ask<string>("GET", `/flows/${part(this.app)}/text`);
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return "";
      throw error;
    }
  }
}

let types: Promise<SlotTypes> | undefined;

/** The types of slots, which are asked for once. */
export function slotTypes(): Promise<SlotTypes> {
  types ??= ask<{ items: SlotType[] }>("GET", "/slot-types", { query: { limit: 200 } })
    .then(({ items }) => new Map(items.map((one) => [one.type, one])))
    .catch((error: unknown) => {
      types = undefined;
      throw error;
    });
  return types;
}

export interface FieldSchema {
  title?: string;
  description?: string;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: FieldSchema[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  items?: FieldSchema;
  properties?: Record<string, FieldSchema>;
  "x-group"?: string;
  "x-order"?: number;
}

export interface SlotSchema {
  description: string;
  required: string[];
  properties: Record<string, FieldSchema>;
}

const schemas = new Map<string, Promise<SlotSchema>>();

export function slotSchema(type: string): Promise<SlotSchema> {
  let found = schemas.get(type);
  if (!found) {
    found = ask<SlotSchema>("GET", `/slot-types/${part(type)}/schema`).catch((error: unknown) => {
      schemas.delete(type);
      throw error;
    });
    schemas.set(type, found);
  }
  return found;
}
