/** Whether the telephone is open, and what it is to call: any page may open it, and may look where its call is. */
import type { Place } from "./call.ts";

export interface ToCall {
  did?: string;
  cli?: string;
  /** The app that answers, whatever the number leads to. */
  app?: string;
  /** The draft of this app counts. */
  draft?: boolean;
  /** A text that is not saved, of this app. */
  text?: () => string | undefined;
  /** Call without waiting for the button. */
  atOnce?: boolean;
}

class Telephone {
  open = $state(false);
  toCall = $state.raw<ToCall>({});
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
