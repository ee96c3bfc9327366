import en from "../../phrases/en/vouchers.ts";
import type { Spec } from "../resource/spec.ts";

export const VOUCHERS: Spec = {
  area: "vouchers",
  english: en,
  path: "/vouchers",
  id: "id",
  page: "/vouchers",
  change: "cards.change",
  subject: "voucher {id}",
  kinds: { available: "good", used: "info", disabled: "bad" },
  columns: [
    { name: "id", sort: "id", width: "10ch", as: "link", small: "24%" },
    { name: "batch", sort: "batch", small: "40%" },
    { name: "kind", width: "22ch", as: "status" },
    { name: "value", width: "14ch", as: "money" },
    { name: "status", sort: "status", width: "15ch", as: "status", small: "36%" },
    { name: "expires", width: "16ch", as: "day" },
    { name: "redeemed_at", width: "22ch", as: "time" },
    { name: "redeemed_by", width: "14ch", as: "customer", hidden: true },
  ],
  filters: [{ name: "status", words: ["available", "used", "disabled"] }, { name: "kind", words: ["value", "multiplier", "addition"] }, { name: "batch" }],
};
