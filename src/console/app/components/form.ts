/** What the fields of a form know of it. */
import { getContext, setContext } from "svelte";
import type { FieldProblem } from "../problem.ts";

export interface FormState {
  readonly problems: FieldProblem[];
  readonly busy: boolean;
  /** A field says that it shows the problems at its pointer, until it is taken away. */
  shows(pointer: string): () => void;
}

const KEY = Symbol("form");
export const provideForm = (state: FormState) => setContext(KEY, state);
export const formAround = (): FormState | undefined => getContext(KEY);
