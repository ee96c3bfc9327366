export default {
  "redeem": "Redeem a voucher",
  "code": "Code",
  "customer": "Into the account of",
  "payment": "Payment that it goes with",
  "payment.hint": "Booked too. Empty where the voucher gives an amount by itself.",
  "send": "Redeem",
  "done": "Customer {customer} got {amount}.",
} as const;
