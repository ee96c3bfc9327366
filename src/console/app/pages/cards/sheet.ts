/** A sheet of cards or vouchers to print, each with its ID and PIN, or its code, and the same as a QR code. It is a window of its own, which nothing keeps. */
import { qrPath } from "../../components/qr.ts";

const STYLE = `
  body { margin: 0; font: 11pt system-ui, sans-serif; color: #000; background: #fff; }
  .sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(80mm, 1fr)); gap: 4mm; padding: 8mm; }
  .card { display: flex; gap: 4mm; align-items: center; padding: 4mm; border: 0.3mm dashed #888; break-inside: avoid; }
  svg { flex: none; width: 26mm; height: 26mm; }
  p { margin: 0 0 1mm; overflow-wrap: anywhere; }
  .small { font-size: 8.5pt; color: #444; }
  .digits { font-family: ui-monospace, Menlo, monospace; font-size: 12pt; font-weight: 600; }
`;
const SVG = "http://www.w3.org/2000/svg";

interface Printed {
  /** Empty where callers key the PIN or code alone. */
  id: string;
  pin: string;
}

/** What the code of a card says: what a caller keys, the ID first. */
const codeOf = ({ id, pin }: Printed) => (id ? `${id} ${pin}` : pin);

export function printSheet(cards: Printed[], words: { title: string; id: string; pin: string }): Window | null {
  const opened = open("", "_blank", "popup,width=900,height=900") as (Window & typeof globalThis) | null;
  if (!opened) return null;
  const page = opened.document;
  page.title = words.title;
  const style = new opened.CSSStyleSheet();
  style.replaceSync(STYLE);
  page.adoptedStyleSheets = [style];
  const sheet = page.createElement("div");
  sheet.className = "sheet";
  for (const card of cards) {
    const one = page.createElement("div");
    one.className = "card";
    const text = page.createElement("div");
    const line = (content: string, name: string) => {
      const paragraph = page.createElement("p");
      paragraph.className = name;
      paragraph.textContent = content;
      text.append(paragraph);
    };
    if (card.id) {
      line(words.id, "small");
      line(spaced(card.id), "digits");
    }
    line(words.pin, "small");
    line(spaced(card.pin), "digits");
    one.append(drawn(page, codeOf(card)), text);
    sheet.append(one);
  }
  page.body.append(sheet);
  opened.print();
  return opened;
}

/** Digits in fours, which are easier to read and to key. */
function spaced(digits: string): string {
  return digits.replace(/(.{4})(?=.)/g, "$1 ");
}

function drawn(page: Document, text: string): SVGElement {
  const code = qrPath(text);
  const svg = page.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${code.size} ${code.size}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  const path = page.createElementNS(SVG, "path");
  path.setAttribute("d", code.path);
  svg.append(path);
  return svg;
}
