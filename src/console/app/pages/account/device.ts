/** A browser as people call it, from what it says of itself; what is no browser is called as it calls itself. */
const BROWSERS: [RegExp, string][] = [
  [/\bEdg(e|A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|Chromium|HeadlessChrome|CriOS)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/\bAndroid\b/, "Android"],
  [/\b(iPhone|iPad)\b/, "iOS"],
  [/\bMac OS X\b/, "macOS"],
  [/\bWindows\b/, "Windows"],
  [/\bLinux\b/, "Linux"],
];

export function deviceName(agent: string): string {
  const found = (all: [RegExp, string][]) => all.find(([mark]) => mark.test(agent))?.[1];
  const browser = found(BROWSERS);
  if (!browser) return agent || "–";
  return [browser, found(SYSTEMS)].filter(Boolean).join(", ");
}
