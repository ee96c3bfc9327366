/** What a type of slots is called on the page. */
import type en from "../phrases/en/builder.ts";
import type { Phrases } from "../phrases/phrases.svelte.ts";

const ABBREVIATIONS = new Set(["api", "did", "cli", "http", "ivr", "pin", "sms", "tts", "url"]);

/** The phrase of it, or where there is none its own name as words: `find_customer` is "Find customer". */
export function typeName(t: Phrases<typeof en>, type: string): string {
  const said = t.word("type", type || "slot");
  if (said !== type) return said;
  const words = type.split("_").map((word) => (ABBREVIATIONS.has(word) ? word.toUpperCase() : word));
  return words.join(" ").replace(/^./, (first) => first.toUpperCase());
}
