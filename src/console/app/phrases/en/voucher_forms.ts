import vouchers from "./vouchers.ts";

export default {
  ...vouchers,
  "count": "Count",
  "enable": "Enable",
  "disable": "Disable",
  "code": "Code",
  "codes-once": "The codes can be fetched once, now. Ringflow keeps none: when this window is closed nobody can show them again.",
  "codes-fetch": "Show the codes",
  "codes-ready": "These are the codes. Save or print them before you close this window.",
  "codes-saved": "I have kept the codes",
  "made.one": "1 voucher is made",
  "made.other": "{n} vouchers are made",
} as const;
