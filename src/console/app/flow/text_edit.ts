/** Changes of a text: what is replaced, and by what. */

export interface TextEdit {
  from: number;
  to: number;
  text: string;
}

/** The text after the edits, which do not overlap and may come in any order. */
export function edited(text: string, edits: readonly TextEdit[]): string {
  let made = "";
  let at = 0;
  for (const edit of inOrder(edits)) {
    if (edit.from < at) throw new Error("two edits overlap");
    made += text.slice(at, edit.from) + edit.text;
    at = edit.to;
  }
  return made + text.slice(at);
}

/** The edits that take the text back to what it was. */
export function inverse(text: string, edits: readonly TextEdit[]): TextEdit[] {
  let shift = 0;
  return inOrder(edits).map((edit) => {
    const from = edit.from + shift;
    shift += edit.text.length - (edit.to - edit.from);
    return { from, to: from + edit.text.length, text: text.slice(edit.from, edit.to) };
  });
}

/** The one edit that makes one text of another: what they begin and end with alike is left alone. */
export function difference(before: string, after: string): TextEdit[] {
  if (before === after) return [];
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before.charCodeAt(head) === after.charCodeAt(head)) head++;
  let tail = 0;
  while (tail < most - head && before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)) tail++;
  return [{ from: head, to: before.length - tail, text: after.slice(head, after.length - tail) }];
}

function inOrder(edits: readonly TextEdit[]): TextEdit[] {
  // Stable: insertions at one place keep the order in which they were given.
  return [...edits].sort((one, other) => one.from - other.from || one.to - other.to);
}
