/** What a new slot begins with, and in which group of the palette its type stands. */
import type { Fields } from "./document.ts";
import type { SlotType, SlotTypes } from "./slot_type.ts";

/** The headings of the palette, in their order. Each type says at the server under which it stands. */
export type Group = "callers" | "calls" | "sound" | "account" | "logic" | "services" | "other";
const GROUPS: readonly Group[] = ["callers", "calls", "sound", "account", "logic", "services", "other"];

/** What people look for most stands first; the rest of a group is in the order of the alphabet. */
const FIRST = ["ivr", "menu", "destination", "call_group", "queue", "audio", "say", "authenticate", "condition", "schedule", "set"];

/** Names under which people know a type who come from elsewhere, for the search. */
const ALSO: Record<string, string> = {
  ivr: "ask digits input gather please enter number",
  destination: "dial call forward transfer external uri number connect bridge",
  call_group: "hunt ring group members round robin team simultaneous",
  conference: "room meeting bridge confbridge",
  menu: "choice press keys options",
  audio: "play prompt file sound announcement",
  tts: "speak text voice",
  condition: "if branch switch",
  schedule: "time hours holiday opening",
  script: "scriptforge javascript code",
  hangup: "end finish reject",
  set: "variable assign counter",
  app: "subroutine internal call",
  record: "message",
  http: "webhook request api url fetch rest",
  lookup: "list find table",
  store: "save keep database variable",
  mail: "email e-mail message notify",
  sms: "text message",
  blocklist: "block bar blacklist",
  find_customer: "account search",
  directory: "dial by name",
  queue: "agents hold wait acd",
  voicemail: "mailbox message",
  callback: "call back",
  follow_me: "find me forward",
  authenticate: "pin card login identify",
  wait: "pause sleep",
};

const STARTERS: Record<string, Fields> = {
  ivr: { file: "IVR/ivr-please", invalid_file: "MISC/error", min: 11, max: 14, terminators: "#", result: "ivr_destination" },
  destination: { external: "${ivr_destination}" },
  call_group: { members: ["441910000010", "441910000011"] },
  conference: { room: "${did}" },
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
  http: { url: "https://api.example.com/", results: { answer: "body" } },
  blocklist: { in_lists: ["barred"], on: { failed: "next" } },
  store: { key: "visits", scope: "cli", add: 1, result: "visits" },
  lookup: { key: "visits", scope: "cli", result: "visits" },
  music: { seconds: 10 },
  debug: { text: "came here" },
};

export function groupOf(known: SlotType | undefined): Group {
  const group = known?.group as Group;
  return GROUPS.includes(group) ? group : "other";
}

export function newSlot(type: string): Fields {
  return { slot: type, ...structuredClone(STARTERS[type] ?? {}) };
}

/** The type that Enter inserts: one that is called so rather than one of which only the description says it. */
export function bestMatch(types: SlotTypes, search: string): string | undefined {
  const word = search.trim().toLowerCase().replaceAll(" ", "_");
  if (!word) return undefined;
  const found = palette(types, search).flatMap(([, of]) => of);
  return found.find((type) => type === word) ?? found.find((type) => type.startsWith(word)) ?? found.find((type) => ALSO[type]?.includes(word)) ?? found[0];
}

/** The types whose name, other names or description have all words, in groups. */
export function palette(types: SlotTypes, search: string): [Group, string[]][] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (type: string) => {
    const text = `${type.replaceAll("_", " ")} ${ALSO[type] ?? ""} ${types.get(type)!.description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const found = [...types.keys()].filter(has);
  return GROUPS.map((group): [Group, string[]] => [group, found.filter((type) => groupOf(types.get(type)) === group).sort((one, other) => rank(one) - rank(other))]).filter(([, of]) => of.length);
}

function rank(type: string): number {
  const at = FIRST.indexOf(type);
  return at < 0 ? FIRST.length : at;
}
