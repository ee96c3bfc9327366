import trunks from "./trunks.ts";

export default {
  ...trunks,
  "test-call": "Test call",
  "health": "Last 24 hours",
  "health.attempts": "Attempts",
  "health.answered": "Answered",
  "health.asr": "Answer-seizure ratio",
  "health.acd": "Average length",
  "health.minutes": "Minutes",
  "health.cost": "Cost",
  "health.margin": "Margin",
  "health.none": "No attempt in the last 24 hours",
  "rate-card": "Rate card (cost)",
  "rate-card.none": "None: this trunk's cost is not known",
  "rate-card.set": "Use another",
  "rate-card.take": "Take away",
} as const;
