/** Reads CSV (RFC 4180): the rows of a file of the API. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const end = () => {
    row.push(cell);
    cell = "";
  };
  for (let i = 0; i < text.length; i++) {
    const one = text[i]!;
    if (quoted) {
      if (one !== '"') cell += one;
      else if (text[i + 1] === '"') cell += text[++i];
      else quoted = false;
    } else if (one === '"') quoted = true;
    else if (one === ",") end();
    else if (one === "\n") {
      end();
      rows.push(row);
      row = [];
    } else if (one !== "\r") cell += one;
  }
  if (cell || row.length) {
    end();
    rows.push(row);
  }
  return rows;
}
