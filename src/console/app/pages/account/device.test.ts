import { expect, test } from "vitest";
import { deviceName } from "./device.ts";

test("a browser is called by its name and system, and a program as it calls itself", () => {
  expect(deviceName("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")).toBe("Chrome, Linux");
  expect(deviceName("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0")).toBe("Edge, Windows");
  expect(deviceName("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1")).toBe("Safari, iOS");
  expect(deviceName("curl/8.14.1")).toBe("curl/8.14.1");
  expect(deviceName("")).toBe("–");
});
