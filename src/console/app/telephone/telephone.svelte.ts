/** Whether the telephone is open, and what it is to call: any page may open it, and may look where its call is. */
import type { Place } from "./call.ts";

export interface ToCall {
  did?: string;
  cli?: string;
  /** Call without waiting for the button. */
  atOnce?: boolean;
}

/** An app that a page shows for editing, and its text as it stands there; undefined: the published one. */
export interface EditedApp {
  app: string;
  text: () => string | undefined;
}

class Telephone {
  open = $state(false);
  toCall = $state.raw<ToCall>({});
  /** What the page edits that is shown: the telephone offers to call it. */
  edited = $state.raw<EditedApp | null>(null);
  /** The slot in which the call is; null: it is in none. */
  place = $state.raw<Place | null>(null);
  /** Of which app a call was saved as a scenario last: another one each time. */
  recorded = $state.raw<{ app: string } | null>(null);

  /** The label of the slot of an app in which the call is; null: it is in none, or in another app. */
  slotIn(app: string): string | null {
    return this.place?.app === app ? this.place.slot : null;
  }

  show(toCall: ToCall = {}): void {
    this.toCall = toCall;
    this.open = true;
  }
}

export const telephone = new Telephone();
