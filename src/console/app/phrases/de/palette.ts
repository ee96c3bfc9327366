export default {
  "hint": "Eine Seite, ein Kunde, eine Karte, eine DID, ein Anruf",
  "nothing": "Nichts gefunden",
  "pages": "Seiten",
  "results.one": "1 Treffer",
  "results.other": "{n} Treffer",
};
