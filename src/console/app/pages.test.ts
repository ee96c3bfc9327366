import { expect, test } from "vitest";
import { pageOf } from "./pages.ts";

test("the start page is found, and a path that nobody serves is not", () => {
  expect(pageOf("/").path).toBe("/");
  expect(pageOf("/nothing/here").path).toBe("");
});
