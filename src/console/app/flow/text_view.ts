/** The text of a flow in CodeMirror. Undo is the editor's own, so that it is one for the picture, the form and the text. */
import { Annotation, EditorState, StateEffect, StateField, type ChangeSpec, type Text } from "@codemirror/state";
import { Decoration, EditorView, highlightActiveLine, keymap, lineNumbers, ViewPlugin, type DecorationSet, type ViewUpdate } from "@codemirror/view";
import type { TextEdit } from "./text_edit.ts";

export interface TextViewer {
  apply(edits: readonly TextEdit[], before: string): void;
  mark(range: { from: number; to: number } | null, scroll: boolean): void;
  problems(found: readonly { offset: number; what: string; mend: string }[]): void;
  goTo(offset: number): void;
  destroy(): void;
}

export interface TextViewOptions {
  parent: HTMLElement;
  text: () => string;
  label: string;
  readOnly: boolean;
  typed: (edits: TextEdit[]) => void;
  moved: (offset: number) => void;
  undo: () => void;
  redo: () => void;
}

const fromOutside = Annotation.define<boolean>();
const setMark = StateEffect.define<{ from: number; to: number } | null>();

const marked = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    let made = value.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setMark)) continue;
      made = Decoration.none;
      if (!effect.value) continue;
      const { doc } = transaction.state;
      const lines = [];
      const last = doc.lineAt(Math.min(effect.value.to, doc.length)).number;
      for (let line = doc.lineAt(Math.min(effect.value.from, doc.length)).number; line <= last; line++) {
        lines.push(Decoration.line({ class: "cm-chosen" }).range(doc.line(line).from));
      }
      made = Decoration.set(lines);
    }
    return made;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const setProblems = StateEffect.define<readonly { from: number; to: number; text: string }[]>();

const wrong = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    let made = value.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setProblems)) continue;
      const marks = effect.value
        .filter((one) => one.to > one.from)
        .map((one) => Decoration.mark({ class: "cm-wrong", attributes: { title: one.text } }).range(one.from, one.to));
      made = Decoration.set(marks, true);
    }
    return made;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** A key, a comment, a quoted text. Colours alone: nothing else here asks what the text means. */
const PARTS = /(?<=^|[\s,{[])#.*$|"(?:[^"\\]|\\.)*"|'[^']*'|(?<=^[\s-]*|[{,]\s*)[^\s"'#{}[\],:][^"'#{}[\],:]*(?=:(?:\s|$))/gm;
const PAINT = { "#": Decoration.mark({ class: "cm-comment" }), text: Decoration.mark({ class: "cm-text" }), key: Decoration.mark({ class: "cm-key" }) };

function painted(view: EditorView): DecorationSet {
  const found = [];
  for (const { from, to } of view.visibleRanges) {
    for (let at = view.state.doc.lineAt(from).from; at <= to; ) {
      const line = view.state.doc.lineAt(at);
      for (const part of line.text.matchAll(PARTS)) {
        const first = part[0][0]!;
        const paint = first === "#" ? PAINT["#"] : first === '"' || first === "'" ? PAINT.text : PAINT.key;
        found.push(paint.range(line.from + part.index, line.from + part.index + part[0].length));
      }
      at = line.to + 1;
    }
  }
  return Decoration.set(found, true);
}

const paint = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = painted(view);
    }
    update(update: ViewUpdate) {
      if (update.docChanged || update.viewportChanged) this.decorations = painted(update.view);
    }
  },
  { decorations: (one) => one.decorations },
);

/** A new line begins as the one before, and after a key without a value further in. */
function newLine(view: EditorView): boolean {
  view.dispatch(
    view.state.changeByRange((range) => {
      const line = view.state.doc.lineAt(range.from);
      const before = line.text.slice(0, range.from - line.from);
      const dash = /^\s*(- )*/.exec(before)![0].length;
      const indent = " ".repeat(before.trim() ? dash + (/:\s*$/.test(before) ? 2 : 0) : before.length);
      return { changes: { from: range.from, to: range.to, insert: `\n${indent}` }, range: range.map(view.state.changes({ from: range.from, to: range.to, insert: `\n${indent}` }), 1) };
    }),
    { scrollIntoView: true, userEvent: "input" },
  );
  return true;
}

function indent(by: 2 | -2): (view: EditorView) => boolean {
  return (view) => {
    const { doc, selection } = view.state;
    const changes = lines(doc, selection.main.from, selection.main.to).flatMap((from): ChangeSpec[] => {
      if (by === 2) return [{ from, insert: "  " }];
      const spaces = /^ {0,2}/.exec(doc.lineAt(from).text)![0].length;
      return spaces ? [{ from, to: from + spaces }] : [];
    });
    view.dispatch({ changes, userEvent: "input" });
    return true;
  };
}

function lines(doc: Text, from: number, to: number): number[] {
  const found = [];
  for (let at = doc.lineAt(from).number; at <= doc.lineAt(to).number; at++) found.push(doc.line(at).from);
  return found;
}

/** Loaded when somebody asks for it. */
function find(view: EditorView): boolean {
  void import("@codemirror/search").then(({ openSearchPanel, search, searchKeymap }) => {
    view.dispatch({ effects: StateEffect.appendConfig.of([search({ top: true }), keymap.of(searchKeymap)]) });
    openSearchPanel(view);
  });
  return true;
}

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "13px" },
  ".cm-scroller": { fontFamily: "ui-monospace, 'SF Mono', Menlo, Consolas, monospace", lineHeight: "1.5" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "0" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  ".cm-chosen": { backgroundColor: "var(--accent-soft)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "var(--line)" },
  ".cm-key": { color: "var(--accent)" },
  ".cm-comment": { color: "var(--muted)", fontStyle: "italic" },
  ".cm-text": { color: "var(--good)" },
  ".cm-wrong": { textDecoration: "underline wavy var(--bad) 1px", textUnderlineOffset: "3px" },
  ".cm-panels, .cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line)" },
});

export function openTextView(options: TextViewOptions): TextViewer {
  // A shadow root, because CodeMirror's styles are then no <style> that the page's policy would refuse.
  const root = options.parent.shadowRoot ?? options.parent.attachShadow({ mode: "open" });
  const undoKeys = [
    { key: "Mod-z", run: () => (options.undo(), true), preventDefault: true },
    { key: "Mod-y", mac: "Mod-Shift-z", run: () => (options.redo(), true), preventDefault: true },
    { key: "Mod-Shift-z", run: () => (options.redo(), true), preventDefault: true },
  ];
  const view = new EditorView({
    root,
    parent: root,
    doc: options.text(),
    extensions: [
      lineNumbers(),
      highlightActiveLine(),
      marked,
      wrong,
      paint,
      look,
      EditorState.readOnly.of(options.readOnly),
      EditorView.contentAttributes.of({ "aria-label": options.label, tabindex: "0", autocapitalize: "off", spellcheck: "false" }),
      keymap.of([
        ...undoKeys,
        { key: "Enter", run: newLine },
        { key: "Tab", run: indent(2), shift: indent(-2) },
        { key: "Mod-f", run: find },
        { key: "Escape", run: leave },
      ]),
      EditorView.updateListener.of((update) => {
        const isOurs = update.transactions.some((one) => one.annotation(fromOutside));
        if (update.docChanged && !isOurs) {
          const before = options.text();
          const offsets = new Offsets(before);
          const newline = before.includes("\r\n") ? "\r\n" : "\n";
          const edits: TextEdit[] = [];
          update.changes.iterChanges((from, to, _from, _to, inserted) => {
            edits.push({ from: offsets.outside(from), to: offsets.outside(to), text: inserted.toString().replaceAll("\n", newline) });
          });
          options.typed(edits);
        } else if (update.selectionSet && !isOurs) options.moved(new Offsets(options.text()).outside(update.state.selection.main.head));
      }),
    ],
  });

  /** Escape leads out of the text, where Tab indents. */
  function leave(): boolean {
    options.parent.closest<HTMLElement>("[data-after-text]")?.querySelector<HTMLElement>("[data-leave-text]")?.focus();
    return true;
  }

  return {
    apply(edits, before) {
      const offsets = new Offsets(before);
      const changes = edits.map((edit) => ({ from: offsets.inside(edit.from), to: offsets.inside(edit.to), insert: edit.text.replace(/\r\n/g, "\n") }));
      view.dispatch({ changes, annotations: fromOutside.of(true) });
    },
    mark(range, scroll) {
      const offsets = new Offsets(options.text());
      const inside = range && { from: offsets.inside(range.from), to: Math.max(offsets.inside(range.from), offsets.inside(range.to) - 1) };
      const effects: StateEffect<unknown>[] = [setMark.of(inside)];
      if (inside && scroll) effects.push(EditorView.scrollIntoView(inside.from, { y: "start", yMargin: 40 }));
      view.dispatch({ effects, annotations: fromOutside.of(true) });
    },
    problems(found) {
      const offsets = new Offsets(options.text());
      const length = view.state.doc.length;
      const all = found.map((one) => {
        const line = view.state.doc.lineAt(Math.min(offsets.inside(one.offset), length));
        const from = Math.min(offsets.inside(one.offset), line.to);
        return { from: from < line.to ? from : line.from, to: line.to, text: one.mend ? `${one.what}: ${one.mend}` : one.what };
      });
      view.dispatch({ effects: setProblems.of(all), annotations: fromOutside.of(true) });
    },
    goTo(offset) {
      const at = Math.min(new Offsets(options.text()).inside(offset), view.state.doc.length);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }), annotations: fromOutside.of(true) });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

/** CodeMirror counts each line break as one, and a text from Windows has two characters there. */
class Offsets {
  #breaks: number[] = [];

  constructor(text: string) {
    for (let at = text.indexOf("\r\n"); at >= 0; at = text.indexOf("\r\n", at + 2)) this.#breaks.push(at);
  }

  inside(offset: number): number {
    let count = 0;
    while (count < this.#breaks.length && this.#breaks[count]! < offset) count++;
    return offset - count;
  }

  outside(offset: number): number {
    let count = 0;
    while (count < this.#breaks.length && this.#breaks[count]! + 1 <= offset + count) count++;
    return offset + count;
  }
}
