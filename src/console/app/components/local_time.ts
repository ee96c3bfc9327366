/** Times of the API (UTC) as fields for days and times have them: what clocks show here. */

/** `2026-07-01T00:00` of a field as the API takes it; null where nothing is typed. What is no time is left as it is. */
export function momentOf(local: string): string | null {
  if (!local.trim()) return null;
  const when = new Date(local.length === 10 ? `${local}T00:00` : local);
  return Number.isNaN(when.getTime()) ? local : when.toISOString();
}

/** A time of the API as a field has it. */
export function localOf(at: string | null): string {
  if (!at) return "";
  const when = new Date(at);
  const two = (n: number) => String(n).padStart(2, "0");
  const time = `${two(when.getHours())}:${two(when.getMinutes())}${when.getSeconds() ? `:${two(when.getSeconds())}` : ""}`;
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}T${time}`;
}
