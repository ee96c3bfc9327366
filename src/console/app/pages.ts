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
  { path: "/setup", alone: true, load: () => import("./pages/start/Setup.svelte") },
  { path: "/welcome", load: () => import("./pages/start/Welcome.svelte") },
  { path: "/cards", right: "cards.read", load: () => import("./pages/cards/Cards.svelte") },
  { path: "/cards/:id", right: "cards.read", load: () => import("./pages/cards/Card.svelte") },
  { path: "/customers", right: "customers.read", load: () => import("./pages/customers/Customers.svelte") },
  { path: "/customers/:id", right: "customers.read", load: () => import("./pages/customers/Customer.svelte") },
  { path: "/clis", right: "customers.read", load: () => import("./pages/clis/Clis.svelte") },
  { path: "/clis/:id", right: "customers.read", load: () => import("./pages/clis/Cli.svelte") },
  { path: "/dids", right: "dids.read", load: () => import("./pages/dids/Dids.svelte") },
  { path: "/dids/:id", right: "dids.read", load: () => import("./pages/dids/Did.svelte") },
  { path: "/trunks", right: "trunks.read", load: () => import("./pages/trunks/Trunks.svelte") },
  { path: "/trunks/:id", right: "trunks.read", load: () => import("./pages/trunks/Trunk.svelte") },
  { path: "/vouchers", right: "cards.read", load: () => import("./pages/vouchers/Vouchers.svelte") },
  { path: "/vouchers/:id", right: "cards.read", load: () => import("./pages/vouchers/Voucher.svelte") },
  { path: "/lists", right: "lists.read", load: () => import("./pages/lists/Lists.svelte") },
  { path: "/lists/:id", right: "lists.read", load: () => import("./pages/lists/List.svelte") },
  { path: "/calendars", right: "calendars.read", load: () => import("./pages/calendars/Calendars.svelte") },
  { path: "/calendars/:id", right: "calendars.read", load: () => import("./pages/calendars/Calendar.svelte") },
  { path: "/rate-cards", right: "rates.read", load: () => import("./pages/rates/RateCards.svelte") },
  { path: "/rate-cards/:id", right: "rates.read", load: () => import("./pages/rates/RateCard.svelte") },
  { path: "/live", right: "calls.read", load: () => import("./pages/calls/Live.svelte") },
  { path: "/calls", right: "calls.read", load: () => import("./pages/calls/Calls.svelte") },
  { path: "/calls/:id", right: "calls.read", load: () => import("./pages/calls/Call.svelte") },
  { path: "/audit", right: "audit.read", load: () => import("./pages/system/Audit.svelte") },
  { path: "/jobs", load: () => import("./pages/system/Jobs.svelte") },
  { path: "/operators", right: "operators.read", load: () => import("./pages/operators/Operators.svelte") },
  { path: "/operators/:id", right: "operators.read", load: () => import("./pages/operators/Operator.svelte") },
  { path: "/roles", right: "operators.read", load: () => import("./pages/operators/Roles.svelte") },
  { path: "/tokens", right: "operators.read", load: () => import("./pages/operators/AllTokens.svelte") },
  { path: "/account", load: () => import("./pages/account/Account.svelte") },
  { path: "/status", right: "system.read", load: () => import("./pages/system/Status.svelte") },
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
