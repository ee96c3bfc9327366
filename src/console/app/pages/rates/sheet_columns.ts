/** Which column of a carrier's table is what, as somebody says it and as the API takes it. */

export interface SheetColumn {
  sheet_column: string;
  /** What it was taken for; null: it is not used. */
  rate_field: string | null;
}

/** What can be said of a column here; the API knows more, which are found by their titles. */
export const COLUMNS = ["prefix", "country", "area", "destination", "price", "price_second", "connection", "minimum", "increment", "from", "until", "status"] as const;

/** `prefix=Code,price="Rate, USD"`. A title with both kinds of quotes cannot be said: its number (`#3`) can. */
export function columnsSaid(said: Record<string, string | undefined>): string {
  return Object.entries(said)
    .flatMap(([column, title]) => {
      const text = title?.trim();
      if (!text) return [];
      const quote = /[,"']|^\s|\s$/.test(text) ? (text.includes('"') ? "'" : '"') : "";
      return [`${column}=${quote}${text}${quote}`];
    })
    .join(",");
}
