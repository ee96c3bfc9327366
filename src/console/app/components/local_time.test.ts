import { expect, test } from "vitest";
import { localOf, momentOf } from "./local_time.ts";

test("a time of a field comes back as it was typed", () => {
  for (const local of ["2026-07-01T00:00", "2026-12-31T23:59:58"]) expect(localOf(momentOf(local))).toBe(local);
});

test("a day stands for its beginning here, and nothing for null", () => {
  expect(localOf(momentOf("2026-07-01"))).toBe("2026-07-01T00:00");
  expect(momentOf(" ")).toBe(null);
  expect(localOf(null)).toBe("");
});

test("what is no time goes to the API as it was typed", () => {
  expect(momentOf("tomorrow")).toBe("tomorrow");
});
