// What scripts find around them. `ringflow schema --scripts` prints this, behind the fields of `data`.

interface Header { key: string; value: string | number | null }
interface Way { headers: Header[]; remove_headers?: { key: string }[]; gw: Record<string, any> }
type Row = Record<string, any>;

/** Of programmable voice: here it has variables, and no call. */
interface Ctx { get(name: string): any; set(name: string, value: unknown): void; log(...values: unknown[]): void }

interface Api {
  /** `get('cli', {cli})`, `get('customer', 42)`, `get('did?company_id=42')` */
  get(resource: string, key: string | number, fields?: Row): Promise<any>;
  get(resource: string, fields?: Row): Promise<any>;
  post(resource: string, fields: Row): Promise<Row>;
  put(resource: string, key: string | number, fields: Row): Promise<Row>;
  put(resource: string, fields: Row): Promise<Row>;
  delete(resource: string, key: string | number): Promise<Row>;
  delete(resource: string, fields?: Row): Promise<Row>;
  del: Api['delete'];
  read: Api['get'];
  create: Api['post'];
  update: Api['put'];
}

interface Texts { get(key: string): Promise<any>; set(key: string, value: unknown, ttl?: number | { ttl: number }): Promise<unknown>; delete(key: string): Promise<boolean>; del(key: string): Promise<boolean> }
interface Objects { get(key: string): Promise<any>; set(key: string, value: unknown, ttl?: number | { ttl: number }): Promise<any>; delete(key: string): Promise<boolean>; del(key: string): Promise<boolean> }

declare module 'cxRest' {
  function cxRest(user: string): Api;
  namespace cxRest { function auth(user: string): Api }
  export = cxRest;
}
declare module 'cxHelper' {
  /** A key for X-CX-Sec, which counts for this customer, this server and this run. */
  export function generatePbxSecurityKey(customer: string | number, server: string): string;
}
declare module 'cxKV' {
  export function get(key: string): Promise<any>;
  export function set(key: string, value: unknown, ttl?: number | { ttl: number }): Promise<any>;
  export function incr(key: string, by?: number, ttl?: number): Promise<number>;
  export function decr(key: string, by?: number, ttl?: number): Promise<number>;
  export function del(key: string): Promise<boolean>;
  export { del as delete };
  export function keys(): Promise<string[]>;
  export function usage(): Promise<{ keys: number; characters: number }>;
  export const kv: Texts;
  export const ko: Objects;
}
declare module 'cxCurl' {
  interface Answer { status: number; headers: Record<string, string>; body: string; data: any }
  interface Options { headers?: Record<string, string>; timeout?: number; redirect?: 'follow' | 'manual' | 'error' }
  export function get(url: string | URL, options?: Options): Promise<Answer>;
  export function post(url: string | URL, body?: unknown, options?: Options): Promise<Answer>;
  export function put(url: string | URL, body?: unknown, options?: Options): Promise<Answer>;
  export function request(given: Options & { url: string; method?: string; body?: unknown; data?: unknown }): Promise<Answer>;
  function remove(url: string | URL, options?: Options): Promise<Answer>;
  export { remove as delete };
}

declare module 'axios';
declare module 'crypto';
declare const Buffer: any;

/** Scripts of before `main(data)`. */
declare const vars: (() => Data) & Data;
declare function exit(value: unknown): Promise<never>;
declare function err(error: [number, string]): Promise<never>;
declare const process: { env: Record<string, string> };
declare function require(name: string): any;
