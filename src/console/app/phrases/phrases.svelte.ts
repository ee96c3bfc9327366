/**
 * The words of the console. English is complete and comes with each page; another language is loaded before the page is
 * shown, area by area, and what it lacks is said in English.
 */
export type Words = Record<string, string>;

export const LANGUAGES: Record<string, string> = { en: "English", de: "Deutsch" };
const others = import.meta.glob<{ default: Words }>(["./*/*.ts", "!./en/*.ts"]);
const KEPT = "ringflow-language";

class Language {
  code = $state("en");
  words = $state.raw<Record<string, Words>>({});
}
export const language = new Language();

/** The language that was chosen here, else the first of the browser's that there is. */
export function preferred(): string {
  const kept = localStorage.getItem(KEPT);
  const wanted = [...(kept ? [kept] : []), ...navigator.languages.map((one) => one.slice(0, 2))];
  return wanted.find((one) => one in LANGUAGES) ?? "en";
}

export async function speak(code: string, { keep = false } = {}): Promise<void> {
  const words: Record<string, Words> = {};
  const files = Object.entries(others).filter(([path]) => path.startsWith(`./${code}/`));
  await Promise.all(
    files.map(async ([path, load]) => {
      words[path.split("/")[2]!.replace(".ts", "")] = (await load()).default;
    }),
  );
  language.words = words;
  language.code = code;
  document.documentElement.lang = code;
  if (keep) localStorage.setItem(KEPT, code);
}

export interface Phrases<T extends Words> {
  (key: keyof T & string, values?: Record<string, string | number>): string;
  /** By a count: `rows` is there as `rows.one` and `rows.other`. */
  count(key: string, n: number, values?: Record<string, string | number>): string;
  /** A word that comes from the API, such as a status: itself where there is no phrase for it. */
  word(key: string, word: string): string;
}

/** The phrases of one area: `const t = phrases("cards", en)`, then `t("title")`. */
export function phrases<T extends Words>(area: string, english: T): Phrases<T> {
  const find = (key: string): string | undefined => language.words[area]?.[key] ?? english[key];
  const say = (key: string, values: Record<string, string | number> = {}) =>
    (find(key) ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
  return Object.assign(say, {
    count(key: string, n: number, values: Record<string, string | number> = {}) {
      const form = new Intl.PluralRules(language.code).select(n);
      return say(find(`${key}.${form}`) ? `${key}.${form}` : `${key}.other`, { n: number(n), ...values });
    },
    word: (key: string, word: string) => find(`${key}.${word}`) ?? word,
  });
}

export function number(n: number): string {
  return new Intl.NumberFormat(language.code).format(n);
}

/** An amount in the reader's way of writing numbers; the text is kept to the last decimal. */
export function money(amount: string, currency: string): string {
  const decimals = amount.split(".")[1]?.length ?? 0;
  const format = new Intl.NumberFormat(language.code, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  // Text is formatted exactly; a number would be rounded.
  return `${format.format(amount as unknown as number)}\u00a0${currency}`;
}
