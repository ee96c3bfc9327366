/** What the API says when it refuses something (RFC 9457). */
export interface FieldProblem {
  /** JSON Pointer of the field in the body, such as `/credit`. */
  pointer: string;
  code: string;
  message: string;
}

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: FieldProblem[] = [],
  ) {
    super(message);
  }

  /** The server was not reached, so nobody knows whether it did what was asked. */
  get lost(): boolean {
    return this.code === "connection.lost";
  }
}

/** Reads a refusal, whatever has answered: a proxy's page is no problem of ours. */
export async function problemOf(answer: Response): Promise<Problem> {
  try {
    const body = await answer.json();
    return new Problem(answer.status, body.code ?? "", body.detail ?? body.title ?? answer.statusText, body.errors ?? []);
  } catch {
    return new Problem(answer.status, "", `${answer.status} ${answer.statusText}`);
  }
}
