/** Who is signed in, what they may do, and how the server is reached. */
export interface Me {
  operator: string;
  role: string;
  rights: string[];
  second_factor: boolean;
  second_factor_missing: boolean;
}

class Session {
  me = $state<Me | null>(null);
  /** The session has ended while the page was open: a sign-in is shown over the page, which keeps what was typed. */
  expired = $state(false);
  /** Why the server is not reached; empty: it is. */
  trouble = $state<"" | "lost" | "database">("");
  #waiting: (() => void)[] = [];

  has(right: string): boolean {
    return this.me?.rights.includes(right) ?? false;
  }

  /** Resolves when somebody has signed in again. */
  renewed(): Promise<void> {
    this.expired = true;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  signedIn(me: Me) {
    this.me = me;
    this.expired = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  signedOut() {
    this.me = null;
    this.expired = false;
    this.#waiting = [];
  }
}

export const session = new Session();
