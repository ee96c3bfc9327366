export default {
  "title": "Keys",
  "palette": "search everything",
  "help": "show these keys",
  "search": "search in the list",
  "rows": "go from row to row of a list",
  "open": "open the row",
  "choose": "choose the row",
  "go": "go to cards, customers, DIDs, apps, calls",
  "close": "close what is open",
  "telephone": "open the telephone",
} as const;
