/**
 * The operations of the builder. Each changes the text of a flow where it has to and nowhere else, looks whether
 * the text says what was meant, and is refused where it does not.
 */
import { isMap, isSeq, type Node } from "yaml";
import { pairLines } from "./block_text.ts";
import { same } from "./condition.ts";
import { contentEnd, lineEnd, listOf, pairOf, readFlow, valueOf, type Fields, type FlowDocument, type ListName, type SlotNode, type Step } from "./document.ts";
import { addItem, renameKeyEdit, setEdits, unsetEdits, type Place } from "./field_edit.ts";
import { graphOf, idOf, valueAt, type Exit, type FlowGraph } from "./graph.ts";
import type { Value } from "./scalar.ts";
import { APP_PREFIX, RETURN_PREFIX, type SlotTypes } from "./slot_type.ts";
import { edited, type TextEdit } from "./text_edit.ts";

/** The operation is not possible on this text; nothing was changed. The message is for people. */
export class ChangeRefused extends Error {}

export type Target =
  | { slot: number }
  | { app: string }
  | { returns: string }
  | "next"
  | "hangup"
  | null;

const INDENT = 2;
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const RESERVED_IDS = ["next", "hangup"];

export class FlowChange {
  flow: FlowDocument;

  constructor(
    text: string,
    readonly types: SlotTypes,
  ) {
    this.flow = readFlow(text);
    if (this.flow.problems.length) throw new ChangeRefused("the text cannot be read as a flow: mend that first");
  }

  get text(): string {
    return this.flow.text;
  }

  graph(list: ListName = "slots"): FlowGraph {
    return graphOf(this.flow, this.types, list);
  }

  slot(list: ListName, index: number): SlotNode {
    const slot = listOf(this.flow, list)[index];
    if (!slot) throw new ChangeRefused("there is no such slot any more");
    return slot;
  }

  // --- fields -----------------------------------------------------------------------------------------------

  setField(list: ListName, index: number, path: readonly Step[], value: Value): void {
    const slot = this.slot(list, index);
    if (same(valueAt(slot.fields, path), value)) return;
    if (!isMap(slot.node)) throw new ChangeRefused("this slot is no mapping: change its text");
    this.#apply(setEdits(this.#place(slot.base), slot.node, path, value, slot.inBrackets));
    this.#demand(same(valueAt(this.slot(list, index).fields, path), value));
  }

  unsetField(list: ListName, index: number, path: readonly Step[]): void {
    const slot = this.slot(list, index);
    if (valueAt(slot.fields, path) === undefined || !isMap(slot.node)) return;
    const after = Array.isArray(valueAt(slot.fields, path.slice(0, -1)));
    this.#apply(unsetEdits(this.#place(slot.base), slot.node, path));
    this.#demand(after || valueAt(this.slot(list, index).fields, path) === undefined);
  }

  /** Puts an item into a list of a slot, such as a case of a condition. */
  addItem(list: ListName, index: number, path: readonly Step[], at: number, value: Value): void {
    const slot = this.slot(list, index);
    const items = valueAt(slot.fields, path);
    const node = nodeAt(slot.node, path);
    if (!isSeq(node) || !node.items.length || !Array.isArray(items)) return this.setField(list, index, path, [value]);
    this.#apply([addItem(this.#place(slot.base), node, at, value)]);
    this.#demand(same(valueAt(this.slot(list, index).fields, path), items.toSpliced(at, 0, value)));
  }

  /** Gives a key of a mapping another name, such as the key of a menu's option. */
  renameKey(list: ListName, index: number, path: readonly Step[], key: string, name: string): void {
    const slot = this.slot(list, index);
    const node = nodeAt(slot.node, path);
    if (!isMap(node) || key === name) return;
    if (pairOf(node, name)) throw new ChangeRefused(`there is a \`${name}\` already`);
    this.#apply(renameKeyEdit(this.#place(slot.base), node, key, name));
    this.#demand(valueAt(this.slot(list, index).fields, [...path, name]) !== undefined);
  }

  /** Sets a key of the app as a whole, such as `title`; undefined takes it away. */
  setSetting(path: readonly Step[], value: Value | undefined): void {
    const [key, ...rest] = path;
    const setting = this.flow.settings.find((one) => one.key === key);
    if (!setting) {
      if (value !== undefined) this.#addSetting(String(key), rest.reduceRight<Value>((inner, step) => ({ [step]: inner }), value));
      return;
    }
    const place = this.#place(setting.base);
    if (value === undefined) {
      if (rest.length && setting.pair.value) this.#apply(unsetEdits(place, setting.map, path));
      else this.#apply([{ from: setting.from, to: setting.end, text: "" }]);
    } else this.#apply(setEdits(place, setting.map, path, value));
    const now = this.flow.settings.find((one) => one.key === key);
    this.#demand(same(now && valueAt(valueOf(now.pair.value), rest), value));
  }

  setting(key: string): Value | undefined {
    const found = this.flow.settings.find((one) => one.key === key);
    return found && valueOf(found.pair.value);
  }

  // --- slots ------------------------------------------------------------------------------------------------

  /** Puts a slot before the one at `index`, and returns where it is. */
  insert(list: ListName, index: number, fields: Fields): number {
    const count = listOf(this.flow, list).length;
    const at = Math.max(0, Math.min(index, count));
    const slots = listOf(this.flow, list);
    if (slots[0]?.inBrackets) this.#insertInBrackets(list, at, fields);
    else this.#insertLines(list, at, slotLines(fields));
    this.#demand(listOf(this.flow, list).length === count + 1 && same(this.slot(list, at).fields, fields));
    return at;
  }

  /** Puts the text of slots, as `copy` gives it, before the one at `index`. Ids that are taken are changed. */
  paste(list: ListName, index: number, text: string): number[] {
    const copied = readFlow(`slots:\n${text}`);
    if (copied.problems.length || !copied.slots.length) throw new ChangeRefused("there are no slots in the clipboard");
    const change = new FlowChange(`slots:\n${text}`, this.types);
    for (const one of change.flow.slots) {
      const id = idOf(one);
      if (id !== null && this.#ids(list).has(id)) change.rename("slots", one.index, this.freeId(list, id, change.#ids("slots")));
    }
    const before = listOf(this.flow, list).length;
    const at = Math.max(0, Math.min(index, before));
    const pasted = change.flow.slots;
    if (listOf(this.flow, list)[0]?.inBrackets) {
      for (const [offset, one] of pasted.entries()) this.#insertInBrackets(list, at + offset, one.fields);
    } else this.#insertLines(list, at, dedented(change.text.slice(pasted[0]!.lead, pasted.at(-1)!.end)));
    this.#demand(listOf(this.flow, list).length === before + pasted.length);
    return pasted.map((_, offset) => at + offset);
  }

  /** The text of slots with their comments, for `paste`. */
  copy(list: ListName, indices: readonly number[]): string {
    return [...indices]
      .sort((one, other) => one - other)
      .map((index) => {
        const slot = this.slot(list, index);
        if (slot.inBrackets) return slotLines(slot.fields).join("\n") + "\n";
        const lines = dedented(this.text.slice(slot.lead, slot.end));
        return lines.join("\n") + "\n";
      })
      .join("");
  }

  duplicate(list: ListName, index: number): number {
    const [made] = this.paste(list, index + 1, this.copy(list, [index]));
    return made!;
  }

  /** Takes slots away. What led to one of them leads where its main exit led. */
  remove(list: ListName, indices: readonly number[]): void {
    for (const index of [...indices].sort((one, other) => other - one)) this.#removeOne(list, index);
  }

  move(list: ListName, from: number, to: number): void {
    const slots = listOf(this.flow, list);
    const slot = this.slot(list, from);
    const at = Math.max(0, Math.min(to, slots.length - 1));
    if (at === from) return;
    if (slot.inBrackets) throw new ChangeRefused("slots between brackets are moved in the text");
    const order = slots.map((one) => one.fields);
    order.splice(at, 0, ...order.splice(from, 1));
    const lines = dedented(this.text.slice(slot.lead, slot.end));
    const target = slots[at > from ? at + 1 : at];
    const cut = { from: slot.lead, to: slot.end, text: "" };
    this.#apply([cut, this.#lineInsertion(list, target?.index ?? slots.length, lines)]);
    this.#demand(same(listOf(this.flow, list).map((one) => one.fields), order));
  }

  // --- exits ------------------------------------------------------------------------------------------------

  /** Leads an exit to a slot, an app or the end; null: as if nothing were written. */
  connect(list: ListName, index: number, exitName: string, target: Target): void {
    const exit = this.#exit(list, index, exitName);
    if (target === null) {
      // An exit of a field of its own always leads somewhere.
      if (exit.at[0] === "on") this.unsetField(list, index, exit.at);
      else this.setField(list, index, exit.at, "hangup");
      return;
    }
    this.setField(list, index, exit.at, this.#targetText(list, target));
  }

  /** Puts a new slot into an exit: it leads to the new one, and that goes on where the exit led. */
  insertInto(list: ListName, index: number, exitName: string, fields: Fields): number {
    const exit = this.#exit(list, index, exitName);
    const goesOn = exit.to === index + 1 && (exit.target === null || exit.target === "next");
    if (goesOn || (exit.isMain && exit.way === "end")) return this.insert(list, index + 1, fields);
    const next = exit.to === null ? null : this.ensureId(list, exit.to);
    const count = listOf(this.flow, list).length;
    const at = this.insert(list, exit.to === null ? count : this.#placeBefore(list, exit.to), fields);
    const shifted = at <= index ? index + 1 : index;
    this.connect(list, shifted, exitName, { slot: at });
    const main = this.graph(list).slots[at]!.exits.find((one) => one.isMain);
    const led = next ?? (exit.target === null || exit.target === "next" ? null : exit.target);
    if (main && led !== null && !(main.to !== null && idOf(this.slot(list, main.to)) === led)) this.setField(list, at, main.at, led);
    return at;
  }

  /** Changes the id of a slot, and all that leads to it. */
  rename(list: ListName, index: number, id: string): void {
    const old = idOf(this.slot(list, index));
    if (old === id) return;
    if (!ID.test(id)) throw new ChangeRefused("a name has letters, digits, - and _, and begins with a letter or digit");
    if (RESERVED_IDS.includes(id)) throw new ChangeRefused(`\`${id}\` means something else as a target`);
    if (this.#ids(list).has(id)) throw new ChangeRefused(`another slot is called \`${id}\` already`);
    const isFirst = old !== null && this.graph(list).slots.find((one) => one.id === old)?.index === index;
    const leading = isFirst ? this.#leadingTo(list, old) : [];
    this.setField(list, index, ["id"], id);
    for (const [at, exit] of leading) this.setField(list, at, exit.at, id);
    if (isFirst && list === "slots" && this.setting("on_error") === old) this.setSetting(["on_error"], id);
  }

  /** The id of a slot, which it gets where it has none. */
  ensureId(list: ListName, index: number): string {
    const slot = this.slot(list, index);
    const id = idOf(slot);
    if (id !== null) return id;
    const type = typeof slot.fields.slot === "string" ? slot.fields.slot : "slot";
    // `hangup` means something else as a target.
    const made = this.freeId(list, RESERVED_IDS.includes(type) ? "end" : type);
    this.setField(list, index, ["id"], made);
    return made;
  }

  freeId(list: ListName, wanted: string, also: ReadonlySet<string> = new Set()): string {
    const taken = this.#ids(list);
    const stem = wanted.replace(/_\d+$/, "");
    for (let number = 1; ; number++) {
      const id = number === 1 ? stem : `${stem}_${number}`;
      if (!taken.has(id) && !also.has(id) && !RESERVED_IDS.includes(id)) return id;
    }
  }

  // --- the parts of these -----------------------------------------------------------------------------------

  #place(base: number): Place {
    return { text: this.text, newline: this.flow.newline, base };
  }

  #apply(edits: readonly TextEdit[]): void {
    const flow = readFlow(edited(this.text, edits));
    if (flow.problems.length) throw unusualText();
    this.flow = flow;
  }

  #demand(holds: boolean): void {
    if (!holds) throw unusualText();
  }

  #exit(list: ListName, index: number, name: string): Exit {
    const exit = this.graph(list).slots[index]?.exits.find((one) => one.exit === name);
    if (!exit) throw new ChangeRefused(`the slot has no exit \`${name}\` any more`);
    return exit;
  }

  #ids(list: ListName): Set<string> {
    return new Set(listOf(this.flow, list).flatMap((slot) => idOf(slot) ?? []));
  }

  #leadingTo(list: ListName, id: string): [number, Exit][] {
    return this.graph(list).slots.flatMap((slot) =>
      slot.exits.filter((exit) => exit.target === id).map((exit): [number, Exit] => [slot.index, exit]),
    );
  }

  #targetText(list: ListName, target: Exclude<Target, null>): string {
    if (typeof target === "string") return target;
    if ("app" in target) return APP_PREFIX + target.app;
    if ("returns" in target) return RETURN_PREFIX + target.returns;
    return this.ensureId(list, target.slot);
  }

  #removeOne(list: ListName, index: number): void {
    const slots = this.graph(list).slots;
    const slot = slots[index];
    if (!slot) throw new ChangeRefused("there is no such slot any more");
    const main = slot.exits.find((exit) => exit.isMain);
    const leading = slot.id === null ? [] : this.#leadingTo(list, slot.id).filter(([at]) => at !== index);
    if (leading.length && slots.findIndex((one) => one.id === slot.id) === index) {
      const goesOn = main?.to !== null && main?.to !== undefined && main.to !== index ? this.ensureId(list, main.to) : null;
      for (const [at, exit] of leading) {
        if (goesOn !== null) this.setField(list, at, exit.at, goesOn);
        else if (exit.at[0] === "on") this.unsetField(list, at, exit.at);
        else this.setField(list, at, exit.at, "hangup");
      }
    }
    const node = this.slot(list, index);
    const count = listOf(this.flow, list).length;
    if (node.inBrackets) this.#removeInBrackets(list, index);
    else this.#apply([{ from: node.lead, to: node.end, text: "" }]);
    this.#demand(listOf(this.flow, list).length === count - 1);
  }

  /** Before a slot, where nothing comes to it from the one above; else at the end. */
  #placeBefore(list: ListName, index: number): number {
    const slots = this.graph(list).slots;
    const above = slots[index - 1];
    const fallsIn = index === 0 || above?.exits.some((exit) => exit.to === index && (exit.target === null || exit.target === "next"));
    return fallsIn ? slots.length : index;
  }

  #insertLines(list: ListName, at: number, lines: string[]): void {
    this.#apply([this.#lineInsertion(list, at, lines)]);
  }

  #lineInsertion(list: ListName, at: number, lines: string[]): TextEdit {
    const { newline } = this.flow;
    const slots = listOf(this.flow, list);
    const setting = this.flow.settings.find((one) => one.key === list);
    const first = slots[0];
    const pad = " ".repeat(first ? this.text.indexOf("-", first.from) - first.from : INDENT);
    const made = lines.map((line) => (line ? pad + line : line)).join(newline);
    const next = slots[at];
    if (next) return { from: next.lead, to: next.lead, text: made + newline };
    const last = slots.at(-1);
    if (last) return this.#atLineStart(last.end, made);
    if (!setting) return this.#atLineStart(this.text.length, `${list}:${newline}${made}`);
    const value = setting.pair.value;
    const colon = this.text.indexOf(":", setting.base + setting.pair.key.range![1]) + 1;
    const isWritten = value?.range && value.range[1] > value.range[0];
    if (!isWritten) return { from: lineEnd(this.text, colon), to: lineEnd(this.text, colon), text: newline + made };
    return { from: colon, to: setting.base + contentEnd(value, this.text, setting.base), text: newline + made };
  }

  #atLineStart(at: number, made: string): TextEdit {
    const { newline } = this.flow;
    const begins = at === 0 || this.text[at - 1] === "\n";
    return { from: at, to: at, text: begins ? made + newline : newline + made };
  }

  #insertInBrackets(list: ListName, at: number, fields: Fields): void {
    const setting = this.flow.settings.find((one) => one.key === list);
    if (!isSeq(setting?.pair.value)) throw unusualText();
    this.#apply([addItem(this.#place(setting.base), setting.pair.value, at, fields)]);
  }

  #removeInBrackets(list: ListName, index: number): void {
    const setting = this.flow.settings.find((one) => one.key === list);
    if (!setting) throw unusualText();
    this.#apply(unsetEdits(this.#place(setting.base), setting.map, [list, index]));
  }

  #addSetting(key: string, value: Value): void {
    const { newline } = this.flow;
    const before = this.flow.settings.find((one) => one.key === "on_hangup" || one.key === "slots");
    const line = pairLines({ [key]: value }, 0, newline).join(newline);
    this.#apply([before ? { from: before.from, to: before.from, text: line + newline } : this.#atLineStart(this.text.length, line)]);
    this.#demand(same(this.setting(key), value));
  }
}

function unusualText(): ChangeRefused {
  return new ChangeRefused("this part of the text is written in a way that only the text itself can be changed in");
}

function nodeAt(node: Node | null, path: readonly Step[]): Node | null | undefined {
  let found: Node | null | undefined = node;
  for (const step of path) {
    if (isMap(found)) found = pairOf(found, String(step))?.value;
    else if (isSeq(found)) found = found.items[Number(step)] as Node | undefined;
    else return null;
  }
  return found;
}

/** A slot's lines, the dash in the first column. */
function slotLines(fields: Fields): string[] {
  return pairLines(fields, INDENT, "\n").flatMap((line, index) => `${index ? "  " : "- "}${line}`.split("\n"));
}

/** The lines of a text without the indentation of the first one that has a dash. */
function dedented(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  const column = lines.find((line) => /^ *-(\s|$)/.test(line))?.search(/\S/) ?? 0;
  return lines.map((line) => {
    const indent = line.length - line.trimStart().length;
    return line.slice(Math.min(indent, column));
  });
}
