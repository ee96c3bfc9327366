export default {
  "queued": "Wartet …",
  "running": "{done} von {total}",
  "line": "Zeile {line}:",
  "cancel": "Anhalten",
  "failed": "Nicht ausgeführt: es ist nichts davon übrig.",
  "cancelled": "Angehalten: es ist nichts davon übrig.",
  "interrupted": "Der Server endete dabei: es ist nichts davon übrig. Beginnen Sie neu.",
};
