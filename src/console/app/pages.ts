/** Which page a path shows. A page is loaded when it is first looked at. */
import type { Component } from "svelte";

export interface Page {
  /** `/cards/:id`: a part with a colon becomes a value that the page gets. */
  path: string;
  load: () => Promise<{ default: Component<any> }>;
  /** Who lacks it is told so instead of shown the page. */
  right?: string;
  /** Without the navigation, and for who is not signed in. */
  alone?: boolean;
}

// prettier-ignore
export const PAGES: Page[] = [
  { path: "/", load: () => import("./pages/Home.svelte") },
  { path: "/apps", right: "flows.read", load: () => import("./pages/apps/Apps.svelte") },
  { path: "/apps/:app", right: "flows.read", load: () => import("./pages/apps/App.svelte") },
  { path: "/cards", right: "cards.read", load: () => import("./pages/cards/Cards.svelte") },
  { path: "/cards/:id", right: "cards.read", load: () => import("./pages/cards/Card.svelte") },
];

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
    const value = decoded(given[i]!);
    if (part.startsWith(":")) values[part.slice(1)] = value;
    else if (part !== value) return null;
  }
  return values;
}

/** An address that somebody typed may be no UTF-8: then it is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
