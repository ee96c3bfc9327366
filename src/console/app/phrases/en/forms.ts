export default {
  "sending": "Sending …",
  "sent-lost": "The server did not answer. What you typed is still here: send it again.",
  "changed-meanwhile": "Somebody else has changed this meanwhile. What you typed is still here: compare it with what is there now, and save again.",
  "reload-values": "See what is there now",
} as const;
