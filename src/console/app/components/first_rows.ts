/** The first rows of a list of the API that fit: a page may have fewer than were asked for, and the list go on. */
import { ask, type Query } from "../api.ts";

/** As many pages are asked for at most: whoever looks further opens the list itself. */
const MOST_PAGES = 20;

export async function firstRows<Row>(path: string, query: Query, most: number, signal?: AbortSignal): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < MOST_PAGES && rows.length < most; pages++) {
    const page: { items: Row[]; next: string | null } = await ask("GET", path, { query: { ...query, limit: most - rows.length, cursor }, signal });
    rows.push(...page.items);
    cursor = page.next;
    if (cursor === null) break;
  }
  return rows;
}
