export default {
  "queued": "Waiting for its turn …",
  "running": "{done} of {total} done",
  "line": "line {line}:",
  "cancel": "Stop",
  "failed": "Not done: nothing of it is left.",
  "cancelled": "Stopped: nothing of it is left.",
  "interrupted": "The server ended while it was done: nothing of it is left. Start it again.",
} as const;
