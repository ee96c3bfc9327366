export default {
  "sending": "Wird gesendet …",
  "sent-lost": "Der Server hat nicht geantwortet. Was Sie geschrieben haben, steht noch da: senden Sie es noch einmal.",
  "changed-meanwhile": "Das hat inzwischen jemand anders geändert. Ihre Eingaben stehen noch da: vergleichen Sie, und speichern Sie noch einmal.",
  "reload-values": "Zeigen, was jetzt da ist",
};
