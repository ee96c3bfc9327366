// What scripts of browsers and of Node.js know for HTTP and URLs. Evaluated in a context when a script first
// uses one of its names; `inner` is what the prelude has taken aside.
(function (inner) {
  'use strict';
  const { hostCall, text, addTimer, clearTimer } = inner;
  const { parse, stringify } = JSON;
  const { create, defineProperty } = Object;
  const { isArray } = Array;

  // --- https://url.spec.whatwg.org, as far as http and https ask for it
  const decoded = (one) => { try { return decodeURIComponent(one.replace(/\+/g, ' ')); } catch { return one; } };
  const encoded = (one) => encodeURIComponent(one).replace(/%20/g, '+');
  class URLSearchParams {
    #pairs = [];
    constructor(given) {
      if (typeof given === 'string')
        for (const part of given.replace(/^\?/, '').split('&')) {
          if (!part) continue;
          const [name, ...rest] = part.split('=');
          this.append(decoded(name), decoded(rest.join('=')));
        }
      else if (given !== null && typeof given === 'object' && typeof given[Symbol.iterator] === 'function')
        for (const [name, value] of given) this.append(name, value);
      else for (const name in given ?? {}) this.append(name, given[name]);
    }
    get size() { return this.#pairs.length; }
    append(name, value) { this.#pairs.push([`${name}`, `${value}`]); }
    set(name, value) {
      const first = this.#pairs.findIndex(([one]) => one === `${name}`);
      if (first < 0) { this.append(name, value); return; }
      this.#pairs[first][1] = `${value}`;
      this.#pairs = this.#pairs.filter(([one], at) => one !== `${name}` || at === first);
    }
    get(name) { return this.#pairs.find(([one]) => one === `${name}`)?.[1] ?? null; }
    getAll(name) { return this.#pairs.filter(([one]) => one === `${name}`).map(([, value]) => value); }
    has(name) { return this.get(name) !== null; }
    delete(name) { this.#pairs = this.#pairs.filter(([one]) => one !== `${name}`); }
    sort() { this.#pairs.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)); }
    forEach(work) { for (const [name, value] of this.#pairs) work(value, name, this); }
    *keys() { for (const [name] of this.#pairs) yield name; }
    *values() { for (const [, value] of this.#pairs) yield value; }
    entries() { return this.#pairs.map((pair) => [...pair])[Symbol.iterator](); }
    [Symbol.iterator]() { return this.entries(); }
    toString() { return this.#pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&'); }
  }
  const WHOLE = /^([a-z][a-z0-9+.-]*:)(?:\/\/(?:([^:@\/?#]*)(?::([^@\/?#]*))?@)?(\[[^\]]*\]|[^:\/?#]*)(?::(\d*))?)?([^?#]*)(\?[^#]*)?(#.*)?$/i;
  const PORTS = { __proto__: null, 'http:': '80', 'https:': '443' };
  class URL {
    constructor(given, base) {
      const written = `${given}`.trim();
      let found = WHOLE.exec(written);
      if (!found && base !== undefined) found = WHOLE.exec(joinedPath(written, new URL(base)));
      if (!found) throw new TypeError(`Invalid URL: ${written.slice(0, 200)}`);
      const [, protocol, user, password, host, port, path, search, hash] = found;
      this.protocol = protocol.toLowerCase();
      const isWeb = this.protocol in PORTS;
      if (isWeb && !host) throw new TypeError(`Invalid URL: ${written.slice(0, 200)}`);
      this.username = user ?? ''; this.password = password ?? '';
      this.hostname = isWeb ? host.toLowerCase() : host ?? '';
      this.port = port && port !== PORTS[this.protocol] ? `${Number(port)}` : '';
      this.pathname = isWeb ? withoutDots(path || '/') : path;
      this.hash = hash === '#' ? '' : hash ?? '';
      defineProperty(this, 'searchParams', { value: new URLSearchParams(search ?? ''), enumerable: true });
      defineProperty(this, 'isAuthority', { value: host !== undefined });
    }
    static canParse(given, base) { try { new URL(given, base); return true; } catch { return false; } }
    get search() { const query = `${this.searchParams}`; return query && `?${query}`; }
    set search(given) {
      for (const name of [...this.searchParams.keys()]) this.searchParams.delete(name);
      for (const [name, value] of new URLSearchParams(`${given}`)) this.searchParams.append(name, value);
    }
    get host() { return this.port ? `${this.hostname}:${this.port}` : this.hostname; }
    get origin() { return this.protocol in PORTS ? `${this.protocol}//${this.host}` : 'null'; }
    get href() {
      const user = this.username && `${this.username}${this.password && `:${this.password}`}@`;
      return `${this.protocol}${this.isAuthority ? `//${user}${this.host}` : ''}${this.pathname}${this.search}${this.hash}`;
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
  }
  function joinedPath(given, base) {
    if (given.startsWith('//')) return base.protocol + given;
    const start = `${base.protocol}//${base.host}`;
    if (given.startsWith('/')) return start + given;
    if (given.startsWith('?')) return start + base.pathname + given;
    if (given.startsWith('#')) return start + base.pathname + base.search + given;
    return given ? start + base.pathname.replace(/[^\/]*$/, '') + given : base.href;
  }
  function withoutDots(path) {
    const kept = [], parts = path.split('/');
    for (const [at, part] of parts.entries()) {
      if (part === '..') { if (kept.length > 1) kept.pop(); }
      else if (part !== '.') { kept.push(part); continue; }
      if (at === parts.length - 1) kept.push('');
    }
    return kept.join('/');
  }

  // --- https://fetch.spec.whatwg.org, as far as a script's request asks for it
  class Headers {
    #values = create(null);
    constructor(given) {
      if (given !== null && typeof given === 'object' && typeof given[Symbol.iterator] === 'function')
        for (const [name, value] of given) this.append(name, value);
      else for (const name in given ?? {}) this.append(name, given[name]);
    }
    append(name, value) {
      const one = `${name}`.toLowerCase(), before = this.#values[one];
      this.#values[one] = before === undefined ? `${value}` : `${before}, ${value}`;
    }
    get(name) { return this.#values[`${name}`.toLowerCase()] ?? null; }
    set(name, value) { this.#values[`${name}`.toLowerCase()] = `${value}`; }
    has(name) { return this.#values[`${name}`.toLowerCase()] !== undefined; }
    delete(name) { delete this.#values[`${name}`.toLowerCase()]; }
    forEach(work) { for (const name in this.#values) work(this.#values[name], name, this); }
    *keys() { for (const name in this.#values) yield name; }
    *values() { for (const name in this.#values) yield this.#values[name]; }
    *entries() { for (const name in this.#values) yield [name, this.#values[name]]; }
    [Symbol.iterator]() { return this.entries(); }
  }
  class Response {
    #body;
    constructor(answer) {
      this.status = answer.status; this.ok = answer.status >= 200 && answer.status < 300;
      this.statusText = answer.reason; this.url = answer.url; this.redirected = answer.redirected;
      this.headers = new Headers(answer.headers); this.#body = answer.body;
    }
    async text() { return this.#body; }
    async json() { return parse(this.#body); }
    async arrayBuffer() { return inner.utf8(this.#body).buffer; }
  }
  class AbortSignal {
    aborted = false;
    reason = undefined;
    onabort = null;
    #listeners = [];
    addEventListener(name, work) { if (name === 'abort') this.#listeners.push(work); }
    removeEventListener(name, work) { this.#listeners = this.#listeners.filter((one) => one !== work); }
    throwIfAborted() { if (this.aborted) throw this.reason; }
    end(reason) {
      if (this.aborted) return;
      this.aborted = true;
      this.reason = reason ?? named('AbortError', 'This operation was aborted');
      for (const work of [this.onabort, ...this.#listeners]) if (typeof work === 'function') work({ type: 'abort', target: this });
    }
    static timeout(ms) {
      const signal = new AbortSignal();
      addTimer(() => signal.end(named('TimeoutError', 'The operation was aborted due to timeout')), ms, false, [], true);
      return signal;
    }
    static abort(reason) { const signal = new AbortSignal(); signal.end(reason); return signal; }
  }
  class AbortController {
    signal = new AbortSignal();
    abort(reason) { this.signal.end(reason); }
  }
  function named(name, message) { const error = new Error(message); error.name = name; return error; }

  // What a body is sent as, and its type where the script says none.
  function bodyOf(given) {
    if (given === undefined || given === null) return [null, null];
    if (typeof given === 'string') return [given, 'text/plain;charset=UTF-8'];
    if (given instanceof URLSearchParams) return [`${given}`, 'application/x-www-form-urlencoded;charset=UTF-8'];
    return [stringify(given), 'application/json'];
  }
  async function request(url, options, json) {
    const given = options ?? {}, { signal } = given;
    signal?.throwIfAborted();
    const headers = {};
    new Headers(given.headers).forEach((value, name) => { headers[name] = value; });
    const [body, type] = bodyOf(given.body);
    if (body !== null && headers['content-type'] === undefined && (json || typeof given.body !== 'string'))
      headers['content-type'] = type;
    const asked = hostCall('fetch', {
      url: text(url), method: text(given.method ?? 'GET'), headers, body,
      redirect: text(given.redirect ?? 'follow'), timeout_ms: given.timeout ?? null,
    });
    if (!signal) return asked;
    return Promise.race([asked, new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))]);
  }
  async function fetch(url, options) { return new Response(await request(url, options, true)); }

  // --- `cxCurl`, and axios as far as its documentation's first pages go
  function readBody(body) { try { return parse(body); } catch { return body; } }
  async function curl(method, url, body, options) {
    const answer = await request(url, { ...options, method, body });
    return { status: answer.status, headers: answer.headers, body: answer.body, data: readBody(answer.body) };
  }
  const cxCurl = {
    get: (url, options) => curl('GET', url, null, options),
    delete: (url, options) => curl('DELETE', url, null, options),
    post: (url, body, options) => curl('POST', url, body ?? null, options),
    put: (url, body, options) => curl('PUT', url, body ?? null, options),
    request: (given) => curl(given.method ?? 'GET', given.url, given.body ?? given.data ?? null, given),
  };
  function addressOf(config) {
    const { baseURL, url, params } = config;
    let whole = baseURL && !/^[a-z]+:\/\//i.test(url ?? '') ? `${baseURL.replace(/\/+$/, '')}/${(url ?? '').replace(/^\/+/, '')}` : url;
    const query = params instanceof URLSearchParams ? `${params}`
      : `${new URLSearchParams(Object.entries(params ?? {}).filter(([, value]) => value !== undefined && value !== null))}`;
    if (query) whole += (`${whole}`.includes('?') ? '&' : '?') + query;
    return whole;
  }
  function client(defaults) {
    async function send(config) {
      const given = { ...defaults, ...config, headers: { ...defaults.headers, ...config.headers } };
      if (given.auth)
        given.headers.Authorization = `Basic ${inner.base64(`${given.auth.username}:${given.auth.password}`)}`;
      const method = `${given.method ?? 'GET'}`.toUpperCase();
      const answer = await request(addressOf(given), {
        method, headers: given.headers, body: given.data, timeout: given.timeout || null, signal: given.signal,
        redirect: given.maxRedirects === 0 ? 'manual' : 'follow',
      });
      const response = {
        status: answer.status, statusText: answer.reason, headers: answer.headers, config: given,
        data: given.responseType === 'text' ? answer.body : readBody(answer.body),
      };
      const isGood = given.validateStatus ?? ((status) => status >= 200 && status < 300);
      if (isGood === null || isGood(answer.status)) return response;
      const error = named('AxiosError', `Request failed with status code ${answer.status}`);
      throw Object.assign(error, { isAxiosError: true, response, config: given, status: answer.status,
        code: answer.status >= 500 ? 'ERR_BAD_RESPONSE' : 'ERR_BAD_REQUEST' });
    }
    const one = (url, config) => send(typeof url === 'string' ? { ...config, url } : url);
    one.request = send; one.defaults = defaults;
    for (const method of ['get', 'delete', 'head', 'options']) one[method] = (url, config) => send({ ...config, url, method });
    for (const method of ['post', 'put', 'patch']) one[method] = (url, data, config) => send({ ...config, url, data, method });
    one.create = (config) => client({ ...defaults, ...config });
    one.isAxiosError = (error) => Boolean(error?.isAxiosError);
    one.all = (all) => Promise.all(all);
    one.default = one;
    return one;
  }

  // --- https://html.spec.whatwg.org, 2.7: a copy that shares nothing with its model
  function structuredClone(value, seen = new Map()) {
    if (typeof value === 'function' || typeof value === 'symbol')
      throw named('DataCloneError', `${typeof value} could not be cloned.`);
    if (value === null || typeof value !== 'object') return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (copy) => { seen.set(value, copy); return copy; };
    if (value instanceof Date) return keep(new Date(value.getTime()));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) return keep(value.slice(0));
    if (ArrayBuffer.isView(value)) return keep(value.slice());
    if (value instanceof Error) return keep(named(value.name, value.message));
    if (value instanceof Map) {
      const copy = keep(new Map());
      for (const [key, one] of value) copy.set(structuredClone(key, seen), structuredClone(one, seen));
      return copy;
    }
    if (value instanceof Set) {
      const copy = keep(new Set());
      for (const one of value) copy.add(structuredClone(one, seen));
      return copy;
    }
    const copy = keep(isArray(value) ? [] : {});
    for (const key of Object.keys(value)) copy[key] = structuredClone(value[key], seen);
    return copy;
  }
  return {
    fetch, Headers, Response, URL, URLSearchParams, AbortController, AbortSignal, cxCurl, axios: client({}),
    structuredClone: (value) => structuredClone(value),
  };
})
