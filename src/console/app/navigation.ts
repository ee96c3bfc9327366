/** The pages that the navigation and the palette lead to, in groups; who lacks the right does not see them. */
export interface Entry {
  path: string;
  /** The phrase of the area `shell`. */
  word: string;
  right?: string;
  /** After `g`: goes there by two keys. */
  key?: string;
}
export const NAVIGATION: { group: string; entries: Entry[] }[] = [
  { group: "", entries: [{ path: "/", word: "nav.home", key: "h" }] },
  {
    group: "nav.group.calls",
    entries: [
      { path: "/live", word: "nav.live", right: "calls.read", key: "l" },
      { path: "/calls", word: "nav.calls", right: "calls.read", key: "p" },
    ],
  },
  {
    group: "nav.group.sell",
    entries: [
      { path: "/customers", word: "nav.customers", right: "customers.read", key: "u" },
      { path: "/cards", word: "nav.cards", right: "cards.read", key: "c" },
      { path: "/vouchers", word: "nav.vouchers", right: "cards.read" },
      { path: "/clis", word: "nav.clis", right: "customers.read" },
    ],
  },
  {
    group: "nav.group.answer",
    entries: [
      { path: "/dids", word: "nav.dids", right: "dids.read", key: "d" },
      { path: "/apps", word: "nav.apps", right: "flows.read", key: "a" },
      { path: "/lists", word: "nav.lists", right: "lists.read" },
      { path: "/calendars", word: "nav.calendars", right: "calendars.read" },
    ],
  },
  {
    group: "nav.group.carry",
    entries: [
      { path: "/trunks", word: "nav.trunks", right: "trunks.read" },
      { path: "/rate-cards", word: "nav.rates", right: "rates.read" },
    ],
  },
  {
    group: "nav.group.run",
    entries: [
      { path: "/audit", word: "nav.audit", right: "audit.read" },
      { path: "/jobs", word: "nav.jobs" },
      { path: "/operators", word: "nav.operators", right: "operators.read" },
      { path: "/status", word: "nav.status", right: "system.read" },
    ],
  },
];
