/** Asks the REST API. The browser sends the cookie of the session by itself. */
import type { components } from "../.made/api.d.ts";
import { Problem, problemOf } from "./problem.ts";
import { session } from "./session.svelte.ts";

export type Schemas = components["schemas"];
export { Problem } from "./problem.ts";

const PREFIX = "/api/v1";
const AGAIN_AFTER_MS = [500, 1000, 2000, 4000];

/** Answers of which no repetition can do harm, and which therefore wait until the server is there again. */
const READING = new Set(["GET", "HEAD"]);
/** What signing in itself asks: a 401 there is an answer, and no sign that a session has ended. */
const OF_SIGN_IN = ["/session", "/session/passkey", "/session/passkey:begin", "/setup", "/password-links:read", "/password-links:use", "/password-resets"].map((path) => PREFIX + path);

/**
 * Sends a request. Where the session has ended it waits for somebody to sign in, then sends it again;
 * where the server is away, something that only reads is sent again until it is there.
 */
export async function send(request: Request): Promise<Response> {
  for (let tries = 0; ; tries++) {
    const again = request.clone();
    let answer: Response | null = null;
    try {
      answer = await fetch(request);
    } catch (error) {
      if (request.signal.aborted) throw error;
    }
    const reads = READING.has(request.method);
    if (answer?.status === 401 && session.me && !OF_SIGN_IN.includes(new URL(request.url).pathname)) {
      await session.renewed();
    } else if (reads && (answer === null || answer.status === 503 || answer.status === 502)) {
      session.trouble = answer?.status === 503 ? "database" : "lost";
      await pause(AGAIN_AFTER_MS[Math.min(tries, AGAIN_AFTER_MS.length - 1)]!, request.signal);
    } else {
      if (answer !== null) session.trouble = "";
      else session.trouble = "lost";
      if (answer === null) throw new Problem(0, "connection.lost", "");
      return answer;
    }
    request = again;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

export type Query = Record<string, string | number | boolean | null | undefined>;
export interface Asking {
  query?: Query;
  body?: unknown;
  /** The `ETag` of what is changed; `*` changes it whatever it is. */
  match?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}
export interface Answered<T> {
  data: T;
  etag: string | null;
  headers: Headers;
}

/** Keys of requests of which nobody knows whether they were done: the same request sent again is the same request. */
const unanswered = new Map<string, string>();

/** Asks the API, and throws a `Problem` where it refuses: `ask<Schemas["CardForm"]>("GET", "/cards/100000000007")`. */
export async function ask<T>(method: string, path: string, asking: Asking = {}): Promise<T> {
  return (await answered<T>(method, path, asking)).data;
}

/** The same with the headers of the answer, such as the `ETag` that a change needs. */
export async function answered<T>(method: string, path: string, { query, body, match, headers = {}, signal }: Asking = {}): Promise<Answered<T>> {
  const text = body === undefined || body instanceof Blob || typeof body === "string" ? (body as BodyInit | undefined) : JSON.stringify(body);
  const all: Record<string, string> = { ...headers };
  if (body !== undefined && !all["Content-Type"]) all["Content-Type"] = "application/json";
  if (match) all["If-Match"] = match;
  const what = `${method} ${path} ${typeof text === "string" ? text : ""}`;
  const key = method === "POST" ? (unanswered.get(what) ?? randomKey()) : "";
  if (key) all["Idempotency-Key"] = key;
  try {
    const answer = await send(new Request(addressOf(path, query), { method, body: text, headers: all, signal }));
    unanswered.delete(what);
    if (!answer.ok) throw await problemOf(answer);
    const json = /[/+]json\b/.test(answer.headers.get("Content-Type") ?? "");
    const data = answer.status === 204 ? null : json ? await answer.json() : await answer.text();
    return { data: data as T, etag: answer.headers.get("ETag"), headers: answer.headers };
  } catch (error) {
    if (key && error instanceof Problem && error.lost) unanswered.set(what, key);
    throw error;
  }
}

/** `crypto.randomUUID` is only there where the page came by TLS or from this machine. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
}

/** The address of an operation: also for links that download. */
export function addressOf(path: string, query: Query = {}): string {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") all.set(name, String(value));
  }
  const text = all.toString();
  return PREFIX + path + (text ? `?${text}` : "");
}

/** A part of a path: names may hold anything. */
export const part = encodeURIComponent;
