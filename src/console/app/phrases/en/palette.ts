export default {
  "hint": "A page, a customer, a card, a DID, a call",
  "nothing": "Nothing found",
  "pages": "Pages",
  "results.one": "1 result",
  "results.other": "{n} results",
} as const;
