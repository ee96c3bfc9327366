/** What a new slot begins with, and in which group of the palette its type stands. */
import type { Fields } from "./document.ts";
import type { SlotTypes } from "./slot_type.ts";

export type Group = "callers" | "sound" | "calls" | "account" | "logic" | "other";

/** The groups in which the field knows these. A type that is not here is still in the palette, under `other`. */
const GROUPS: Record<Exclude<Group, "other">, string[]> = {
  callers: ["ivr", "menu", "number", "speed_dial", "last_number", "language"],
  calls: ["destination", "answer", "progress", "hangup", "wait", "conference", "call_group", "queue", "voicemail"],
  sound: ["audio", "say", "tts", "music", "record", "echo"],
  account: ["authenticate", "balance", "redeem", "transfer_credit"],
  logic: ["condition", "schedule", "set", "app", "goto", "script", "override", "debug"],
};

/** Names under which people know a type who come from elsewhere, for the search. */
const ALSO: Record<string, string> = {
  ivr: "ask digits input gather please enter number",
  destination: "dial call forward transfer external uri number connect bridge",
  call_group: "hunt ring group members round robin team simultaneous",
  menu: "choice press keys options",
  audio: "play prompt file sound announcement",
  tts: "speak text voice",
  condition: "if branch switch",
  schedule: "time hours holiday opening",
  script: "scriptforge javascript code",
  hangup: "end finish reject",
  set: "variable assign counter",
  app: "subroutine internal call",
  record: "voicemail message",
  authenticate: "pin card login identify",
  wait: "pause sleep",
};

const STARTERS: Record<string, Fields> = {
  ivr: { file: "IVR/ivr-please", invalid_file: "MISC/error", min: 11, max: 14, terminators: "#", result: "ivr_destination" },
  destination: { external: "${ivr_destination}" },
  call_group: { members: ["441910000010", "441910000011"] },
  menu: { file: { say: "For sales, press 1." }, options: { 1: "hangup" } },
  audio: { file: "IVR/welcome" },
  hangup: { file: "MISC/goodbye" },
  say: { value: "${ivr_destination|}", as: "digits" },
  tts: { text: "Hello." },
  condition: { cases: [{ name: "known", if: { value: "${cli|}", starts_with: "44" }, to: "next" }] },
  schedule: { hours: { "mon-fri": "09:00-17:00" } },
  set: { variables: { tries: { increase: 1 } } },
  wait: { seconds: 2 },
  record: { result: "message" },
  language: { options: { 1: "en", 2: "es" } },
  music: { seconds: 10 },
  debug: { text: "came here" },
};

export function groupOf(type: string): Group {
  for (const [group, types] of Object.entries(GROUPS)) if (types.includes(type)) return group as Group;
  return "other";
}

export function newSlot(type: string): Fields {
  return { slot: type, ...structuredClone(STARTERS[type] ?? {}) };
}

/** The types whose name, other names or description have all words, in groups. */
export function palette(types: SlotTypes, search: string): [Group, string[]][] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (type: string) => {
    const text = `${type.replaceAll("_", " ")} ${ALSO[type] ?? ""} ${types.get(type)!.description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const named = (type: string) => words.length > 0 && type.startsWith(words[0]!);
  const found = [...types.keys()].filter(has).sort((one, other) => Number(named(other)) - Number(named(one)));
  const order: Group[] = ["callers", "calls", "sound", "account", "logic", "other"];
  return order
    .map((group): [Group, string[]] => [group, found.filter((type) => groupOf(type) === group).sort((one, other) => rank(group, one) - rank(group, other))])
    .filter(([, of]) => of.length);
}

function rank(group: Group, type: string): number {
  return group === "other" ? 0 : GROUPS[group].indexOf(type);
}
