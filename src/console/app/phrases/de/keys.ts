export default {
  "title": "Tasten",
  "palette": "alles durchsuchen",
  "help": "diese Tasten zeigen",
  "search": "in der Liste suchen",
  "rows": "von Zeile zu Zeile gehen",
  "open": "die Zeile öffnen",
  "choose": "die Zeile auswählen",
  "go": "zu Karten, Kunden, DIDs, Apps, Anrufen",
  "close": "Offenes schließen",
  "telephone": "das Telefon öffnen",
};
