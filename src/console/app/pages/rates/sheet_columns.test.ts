import { expect, test } from "vitest";
import { columnsSaid } from "./sheet_columns.ts";

test("titles are said as the API reads them, quoted where they must be", () => {
  expect(columnsSaid({ prefix: "Code", price: "Rate, USD", destination: 'a "name"', from: " ", until: undefined })).toBe(`prefix=Code,price="Rate, USD",destination='a "name"'`);
  expect(columnsSaid({})).toBe("");
});
