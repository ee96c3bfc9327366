/** Flows for tests: those of the server's documentation, and fifty made up ones with comments in every place. */
import fixture from "./fixture.json";
import type { SlotType, SlotTypes } from "./slot_type.ts";

export const TYPES: SlotTypes = new Map((fixture.types as unknown as SlotType[]).map((one) => [one.type, one]));

/** Numbers that only look random, so that a failure can be repeated (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  chance(part: number): boolean {
    return this.next() < part;
  }
}

const COMMENTS = ["# who answers here", "#", "# - slot: ivr", "# key: value", "#no space", "# \u00fcber \u202e \u{1f4de}"];

/** A flow in one of the many ways in which people write them. */
export function madeFlow(seed: number, count?: number): string {
  const dice = new Dice(seed);
  const newline = seed % 7 === 3 ? "\r\n" : "\n";
  const column = seed % 5 === 2 ? 0 : dice.one([2, 2, 4]);
  const pad = " ".repeat(column);
  const inner = pad + (seed % 9 === 4 ? "    " : "  ");
  const dash = pad + "-".padEnd(inner.length - pad.length);
  const slots = count ?? 3 + dice.below(20);
  const ids = Array.from({ length: slots }, (_, index) => (index && dice.chance(0.7) ? `s${index}` : null));
  const target = () => dice.one(["hangup", "next", "app:other", "return:done", ...ids.flatMap((id) => id ?? [])]);
  const lines: string[] = [];
  const comment = (indent: string) => {
    if (dice.chance(0.2)) lines.push("");
    while (dice.chance(0.3)) lines.push(indent + dice.one(COMMENTS));
  };
  const tail = () => (dice.chance(0.15) ? `${dice.one([" ", "   "])}${dice.one(COMMENTS)}` : dice.chance(0.05) ? "  " : "");
  if (dice.chance(0.5)) lines.push("# yaml-language-server: $schema=./flow.schema.json");
  lines.push(`app: made_${seed}${tail()}`, `title: ${dice.one(['"One: two"', "'It''s'", "Plain # c", "A line"])}`);
  if (dice.chance(0.4)) lines.push("defaults:", "  # for all", "  invalid_file: MISC/error", `  attempts: 2${tail()}`);
  comment("");
  lines.push(`slots:${tail()}`);
  for (let index = 0; index < slots; index++) {
    comment(pad);
    const id = ids[index];
    const last = index === slots - 1;
    const kind = last ? "hangup" : dice.one(["ivr", "destination", "menu", "condition", "audio", "set", "say", "hangup"]);
    const exits = (names: string[]) => {
      const led = names.filter(() => dice.chance(0.6));
      if (!led.length) return;
      if (dice.chance(0.5)) lines.push(`${inner}on: {${led.map((name) => `${name}: ${target()}`).join(", ")}}${tail()}`);
      else {
        lines.push(`${inner}on:${tail()}`);
        for (const name of led) {
          if (dice.chance(0.1)) lines.push(`${inner}  ${dice.one(COMMENTS)}`);
          lines.push(`${inner}  ${name}: ${target()}${tail()}`);
        }
      }
    };
    if (kind === "hangup" && dice.chance(0.5)) {
      lines.push(`${dash}{slot: hangup${id ? `, id: ${id}` : ""}, file: MISC/goodbye}${tail()}`);
      continue;
    }
    lines.push(`${dash}slot: ${kind}${tail()}`);
    if (id) lines.push(`${inner}id: ${id}${tail()}`);
    if (dice.chance(0.1)) lines.push(`${inner}${dice.one(COMMENTS)}`);
    if (kind === "ivr") {
      lines.push(`${inner}file: ${dice.one(["IVR/ivr-please", '{say: "Please key: a number"}'])}${tail()}`, `${inner}min: 11`);
      lines.push(`${inner}terminators: "#"${tail()}`, `${inner}result: ivr_destination`);
      exits(["done", "no_input", "invalid"]);
    } else if (kind === "destination") {
      lines.push(`${inner}external: ${dice.one(["${ivr_destination}", '"+441910000001"'])}${tail()}`);
      if (dice.chance(0.4)) lines.push(`${inner}headers:`, `${inner}  X-A: "${"a".repeat(dice.below(30))}"${tail()}`);
      exits(["done", "busy", "no_answer", "failed", "no_credit", "refused"]);
    } else if (kind === "menu") {
      lines.push(`${inner}file: [IVR/welcome, MISC/one-moment]${tail()}`);
      if (dice.chance(0.5)) lines.push(`${inner}options: {1: ${target()}, "*": ${target()}, 01: ${target()}}`);
      else lines.push(`${inner}options:`, `${inner}  2: ${target()}${tail()}`, `${inner}  1: ${target()}`, `${inner}  "#": ${target()}`);
      exits(["no_input", "invalid"]);
    } else if (kind === "condition") {
      lines.push(`${inner}cases:`);
      const [at, more] = dice.chance(0.5) ? [`${inner}- `, `${inner}  `] : [`${inner}  - `, `${inner}    `];
      lines.push(`${at}name: first${tail()}`, `${more}if: {value: "\${cli|}", in: ["1", "2"]}`, `${more}to: ${target()}`);
      lines.push(`${at}{if: {value: "\${cli|}", equals: x}, to: ${target()}}${tail()}`);
      if (dice.chance(0.5)) lines.push(`${inner}otherwise: ${target()}${tail()}`);
    } else if (kind === "audio") {
      lines.push(`${inner}file:`, `${inner}  - IVR/welcome${tail()}`, `${inner}  - MISC/error`);
      exits(["done"]);
    } else if (kind === "set") {
      lines.push(`${inner}variables:`, `${inner}  long: |`, `${inner}    one`, "", `${inner}    two # no comment`);
      if (dice.chance(0.5)) lines.push(`${inner}  count: {increase: 1, at_most: 3}${tail()}`);
      exits(["done", "limit", "failed"]);
    } else if (kind === "say") {
      lines.push(`${inner}value: "one`, `${inner}  two"${tail()}`, `${inner}as: text`);
    } else lines.push(`${inner}file: MISC/goodbye${tail()}`);
  }
  comment(pad);
  if (dice.chance(0.2)) lines.push("on_hangup:", `${pad}- slot: debug`, `${pad}  text: over${tail()}`);
  const ending = seed % 11 === 5 ? "" : newline;
  return (seed % 13 === 6 ? "\ufeff" : "") + lines.join(newline) + ending;
}
