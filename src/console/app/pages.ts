/** Which page a path shows. A page is loaded when it is first looked at. */
import type { Component } from "svelte";

export interface Page {
  /** `/cards/:id`: a part with a colon becomes a value that the page gets. */
  path: string;
  load: () => Promise<{ default: Component<any> }>;
}

export const PAGES: Page[] = [{ path: "/", load: () => import("./pages/Home.svelte") }];

const NOT_FOUND: Page = { path: "", load: () => import("./pages/NotFound.svelte") };

export function pageOf(path: string): Page & { values: Record<string, string> } {
  for (const page of PAGES) {
    const values = matched(page.path, path);
    if (values) return { ...page, values };
  }
  return { ...NOT_FOUND, values: {} };
}

function matched(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/").filter(Boolean);
  const given = path.split("/").filter(Boolean);
  if (wanted.length !== given.length) return null;
  const values: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const value = decodeURIComponent(given[i]!);
    if (part.startsWith(":")) values[part.slice(1)] = value;
    else if (part !== value) return null;
  }
  return values;
}
