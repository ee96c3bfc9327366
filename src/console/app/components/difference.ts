/** In a line, what an entry of the audit log changed: `credit: 5.00 → 6.00`. */
export function difference(before: unknown, after: unknown): string {
  const [was, is] = [before, after].map((one) => (one && typeof one === "object" ? (one as Record<string, unknown>) : {}));
  const names = [...new Set([...Object.keys(was!), ...Object.keys(is!)])];
  return names
    .filter((name) => JSON.stringify(was![name]) !== JSON.stringify(is![name]))
    .map((name) => {
      if (!before) return `${name}: ${text(is![name])}`;
      return after ? `${name}: ${text(was![name])} → ${text(is![name])}` : `${name}: ${text(was![name])}`;
    })
    .join(", ");
}

function text(value: unknown): string {
  return value === null || value === undefined ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value);
}
