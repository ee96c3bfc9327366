/** Undo and redo: every change of a text with what takes it back, to the byte. */
import { edited, inverse, type TextEdit } from "./text_edit.ts";

interface Step {
  edits: TextEdit[];
  back: TextEdit[];
  label: string;
  at: number;
}

/** Keys that are typed one after the other within this time are one step. */
const TYPED_TOGETHER_MS = 600;
const MAX_STEPS = 1000;

export class History {
  #done: Step[] = [];
  #undone: Step[] = [];

  constructor(public text: string) {}

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /** What undo would take back, in words. */
  get undoLabel(): string {
    return this.#done.at(-1)?.label ?? "";
  }

  get redoLabel(): string {
    return this.#undone.at(-1)?.label ?? "";
  }

  apply(edits: TextEdit[], label: string, { typed = false, at = 0 } = {}): void {
    if (!edits.some((edit) => edit.from !== edit.to || edit.text)) return;
    const back = inverse(this.text, edits);
    this.text = edited(this.text, edits);
    this.#undone = [];
    const last = this.#done.at(-1);
    const joined = typed && last ? joinedTyping(last, edits, at) : null;
    if (joined) {
      this.#done[this.#done.length - 1] = joined;
      return;
    }
    this.#done.push({ edits, back, label, at: typed ? at : -Infinity });
    if (this.#done.length > MAX_STEPS) this.#done.shift();
  }

  /** The edits that took the last step back, for whoever shows the text; null where there is none. */
  undo(): TextEdit[] | null {
    const step = this.#done.pop();
    if (!step) return null;
    this.text = edited(this.text, step.back);
    this.#undone.push(step);
    return step.back;
  }

  redo(): TextEdit[] | null {
    const step = this.#undone.pop();
    if (!step) return null;
    this.text = edited(this.text, step.edits);
    this.#done.push({ ...step, at: -Infinity });
    return step.edits;
  }
}

/** One letter after another is one step, up to a pause or a new line. */
function joinedTyping(last: Step, edits: TextEdit[], at: number): Step | null {
  const [before, now] = [last.edits[0], edits[0]];
  if (last.edits.length !== 1 || edits.length !== 1 || !before || !now) return null;
  if (at - last.at > TYPED_TOGETHER_MS || now.text.includes("\n") || now.from !== now.to) return null;
  if (now.from !== before.from + before.text.length) return null;
  const text = before.text + now.text;
  const back = last.back[0]!;
  return {
    edits: [{ ...before, text }],
    back: [{ ...back, to: back.from + text.length }],
    label: last.label,
    at,
  };
}
