/** The rows of a list of the API: page after page, as somebody looks further. */
import { answered, Problem, type Query } from "../api.ts";

const PAGE = 200;
/** As many rows before the end of what is loaded the next page is fetched. */
const AHEAD = 300;
/** The API counts no more rows than these. */
const MOST_COUNTED = 10_000;

export interface Counted {
  rows: number;
  /** There are more than these. */
  more: boolean;
}

export class Rows<Row> {
  all = $state.raw<Row[]>([]);
  loading = $state(true);
  /** The page that is loaded had too few rows that fit: the list is looked through further. */
  searching = $state(false);
  problem = $state<Problem | null>(null);
  count = $state<Counted | null>(null);
  #next: string | null = null;
  #query: Query = {};
  #path = "";
  #asked: AbortController | null = null;

  get whole(): boolean {
    return !this.loading && this.#next === null && !this.problem;
  }

  /** Show another list, or the same one anew: what is there stays until the new rows have come. */
  async show(path: string, query: Query) {
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    [this.#path, this.#query, this.#next] = [path, query, null];
    this.loading = true;
    this.searching = false;
    this.problem = null;
    await this.#fetch(asked, []);
    if (!asked.signal.aborted && !this.problem) await this.#countAll(asked);
  }

  stop() {
    this.#asked?.abort();
  }

  /** Somebody sees the rows up to `last`. */
  seen(last: number) {
    if (!this.loading && !this.problem && this.#next !== null && last > this.all.length - AHEAD) void this.more();
  }

  async more() {
    if (this.loading || this.#next === null || !this.#asked) return;
    this.loading = true;
    this.problem = null;
    await this.#fetch(this.#asked, this.all);
  }

  async #fetch(asked: AbortController, before: Row[]) {
    let found = before;
    try {
      do {
        const query = { ...this.#query, limit: PAGE, cursor: this.#next };
        const { data } = await answered<{ items: Row[]; next: string | null }>("GET", this.#path, { query, signal: asked.signal });
        if (asked.signal.aborted) return;
        found = [...found, ...data.items];
        // What was shown before stays until there is something new to show.
        if (found.length > before.length || data.next === null) this.all = found;
        this.#next = data.next;
        this.searching = this.#next !== null && found.length < before.length + PAGE;
      } while (this.searching);
    } catch (error) {
      if (asked.signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      this.all = found;
      this.problem = error;
    } finally {
      if (!asked.signal.aborted) this.loading = this.searching = false;
    }
  }

  /** How many rows there are is asked apart, after the first rows are there. */
  async #countAll(asked: AbortController) {
    if (this.#next === null) {
      this.count = { rows: this.all.length, more: false };
      return;
    }
    try {
      const query = { ...this.#query, limit: 1, count: "capped" };
      const { data } = await answered<{ count: number }>("GET", this.#path, { query, signal: asked.signal });
      this.count = { rows: Math.min(data.count, MOST_COUNTED), more: data.count > MOST_COUNTED };
    } catch {
      this.count = null;
    }
  }
}
