/** Short words on what was done, at the window's edge. What must be read stands on the page instead. */
export interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

class Toasts {
  all = $state<Toast[]>([]);
  #next = 1;

  say(text: string, { bad = false } = {}) {
    const id = this.#next++;
    this.all.push({ id, text, bad });
    // What went wrong stays until it is closed.
    if (!bad) setTimeout(() => this.close(id), 5000);
  }

  close(id: number) {
    this.all = this.all.filter((one) => one.id !== id);
  }
}

export const toasts = new Toasts();
