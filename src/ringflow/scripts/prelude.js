// What a script finds around it, and how the worker drives it. Evaluated in every fresh context before the
// script; gives one function, which only the worker holds. A script may change every built-in object, so what
// the driver itself needs is taken aside first, and its own lists have no prototype.
(function () {
  'use strict';
  const { parse, stringify } = JSON;
  const { create, defineProperty, getPrototypeOf } = Object;
  const { apply } = Reflect;
  const RealDate = Date, RealError = Error, RealTypeError = TypeError, RealRangeError = RangeError;
  const RealPromise = Promise, then = Promise.prototype.then, realNow = Date.now, floor = Math.floor;
  const RealString = String, slice = String.prototype.slice, isArray = Array.isArray;
  const charCodeAt = String.prototype.charCodeAt, fromCharCode = String.fromCharCode;
  const join = Array.prototype.join;
  const Bytes = Uint8Array, View = DataView;

  let limits = { log_lines: 0, log_chars: 0, calls: 0, timers: 0 };
  let startedAt = 0, clockOffset = 0, seed = '', drawn = 0;
  let state = 'running', result = 'null', failure = 'null';
  let outbox = '', log = '', logLines = 0, logChars = 0, called = 0;
  const waiting = create(null);      // promises of host calls, by number
  const timers = create(null);       // what is to run later, by number
  let lastTimer = 0, timerCount = 0, waitingCount = 0;

  const now = () => realNow() + clockOffset;

  // --- time: no finer than a millisecond, and by the call's clock
  function ScriptDate(...given) {
    if (new.target === undefined) return new RealDate(now()).toString();
    const wanted = given.length ? given : [now()];
    return Reflect.construct(RealDate, wanted, new.target === ScriptDate ? RealDate : new.target);
  }
  ScriptDate.prototype = RealDate.prototype;
  ScriptDate.now = now; ScriptDate.parse = RealDate.parse; ScriptDate.UTC = RealDate.UTC;
  defineProperty(ScriptDate, 'name', { value: 'Date' });
  defineProperty(ScriptDate, 'length', { value: 7 });
  defineProperty(RealDate.prototype, 'constructor', { value: ScriptDate, writable: true, configurable: true });
  const provide = (name, value) =>
    defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  provide('Date', ScriptDate);
  provide('performance', { now: () => now() - startedAt });

  // --- timers
  function addTimer(work, delay, again, args) {
    if (typeof work !== 'function') throw new RealTypeError('setTimeout: give it a function');
    if (timerCount >= limits.timers) throw new RealRangeError(`more than ${limits.timers} timers at once`);
    const wait = delay > 0 ? floor(delay) : 0;
    timers[++lastTimer] = { at: realNow() + wait, work, args, every: again ? (wait || 1) : null };
    timerCount++;
    return lastTimer;
  }
  function clearTimer(id) { if (timers[id] !== undefined) { delete timers[id]; timerCount--; } }
  provide('setTimeout', (work, delay, ...args) => addTimer(work, delay, false, args));
  provide('setInterval', (work, delay, ...args) => addTimer(work, delay, true, args));
  provide('setImmediate', (work, ...args) => addTimer(work, 0, false, args));
  for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate']) provide(name, clearTimer);
  function nextTimer() {
    let first = null;
    for (const id in timers) if (first === null || timers[id].at < timers[first].at) first = id;
    return first;
  }
  function runTimer() {
    const id = nextTimer();
    if (id === null || timers[id].at > realNow()) return false;
    const { work, args, every } = timers[id];
    if (every === null) clearTimer(id); else timers[id].at = realNow() + every;
    apply(work, undefined, args);
    return true;
  }

  // --- the console: into the call's record
  function shown(value) {
    if (typeof value === 'string') return value;
    if (typeof value === 'function') return `[function ${value.name}]`;
    if (value instanceof RealError) return `${value.stack || value}`;
    if (typeof value === 'object' && value !== null) {
      try { return stringify(value) ?? RealString(value); } catch { return '[object that is no JSON]'; }
    }
    return typeof value === 'bigint' ? `${value}n` : RealString(value);
  }
  function write(level, values) {
    if (logLines >= limits.log_lines || logChars >= limits.log_chars) {
      if (logLines < limits.log_lines + 1) {
        logLines = limits.log_lines + 1;
        logChars = limits.log_chars;
        log += (log && ',') + '["warn","what follows is left out: the script writes too much"]';
      }
      return;
    }
    let text = '';
    for (let i = 0; i < values.length; i++) {
      text += (i ? ' ' : '') + shown(values[i]);
      if (text.length > limits.log_chars - logChars) break;
    }
    text = apply(slice, text, [0, limits.log_chars - logChars]);
    logLines++;
    logChars += text.length + 1;
    log += (log && ',') + `["${level}",` + stringify(text) + ']';
  }
  const console = {};
  for (const [name, level] of [['log', 'info'], ['info', 'info'], ['debug', 'debug'], ['warn', 'warn'],
    ['error', 'error'], ['trace', 'debug'], ['table', 'info'], ['dir', 'info']])
    console[name] = (...values) => write(level, values);
  console.assert = (good, ...values) => { if (!good) write('error', ['Assertion failed:', ...values]); };
  for (const name of ['group', 'groupEnd', 'groupCollapsed', 'time', 'timeEnd', 'timeLog', 'count', 'clear'])
    console[name] = () => {};
  provide('console', console);

  // --- what the host does for a script
  function hostCall(name, given) {
    if (called >= limits.calls) throw new RealRangeError(`more than ${limits.calls} calls of the host in one run`);
    const id = ++called;
    const text = stringify(given);
    if (text === undefined) throw new RealTypeError(`${name}: what it is given is no JSON`);
    outbox += (outbox && ',') + `{"id":${id},"name":"${name}","given":${text}}`;
    waitingCount++;
    return new RealPromise((resolve, reject) => { waiting[id] = { resolve, reject, trace: new RealError('') }; });
  }
  function takeAnswer(answer) {
    const one = waiting[answer.id];
    if (one === undefined) return;
    delete waiting[answer.id];
    waitingCount--;
    if (answer.error === undefined || answer.error === null) { one.resolve(answer.value); return; }
    const error = new RealError(answer.error.message);
    error.code = answer.error.code;
    error.status = answer.error.status;
    defineProperty(error, 'stack', { value: one.trace.stack });
    one.reject(error);
  }

  const text = (value) => (value === undefined || value === null ? null : RealString(value));
  const cxRest = {
    auth: (user) => {
      const ask = (method) => (resource, given) =>
        hostCall('rest', { user: text(user), method, resource: text(resource), given: given ?? {} });
      return { get: ask('get'), post: ask('post'), put: ask('put'), delete: ask('delete'), del: ask('delete') };
    },
  };
  const seconds = (ttl) => (typeof ttl === 'object' && ttl !== null ? ttl.ttl : ttl) ?? null;
  const cxKV = {
    get: (key) => hostCall('kv.get', { key: text(key) }),
    set: (key, value, ttl) => hostCall('kv.set', { key: text(key), value: value ?? null, ttl_s: seconds(ttl) }),
    incr: (key, by, ttl) => hostCall('kv.incr', { key: text(key), by: by ?? 1, ttl_s: seconds(ttl) }),
    delete: (key) => hostCall('kv.delete', { key: text(key) }),
    del: (key) => hostCall('kv.delete', { key: text(key) }),
  };
  // The key itself never comes into this process: a ticket stands for it, and becomes the key once the script
  // has ended and its result is checked.
  const tickets = create(null);
  let ticketList = '';
  const cxHelper = {
    generatePbxSecurityKey: (customer, server) => {
      const place = stringify([text(customer), text(server)]);
      if (tickets[place] === undefined) {
        const ticket = `v1.${floor(now() / 1000)}.${hex(random(32))}`;
        tickets[place] = ticket;
        ticketList += (ticketList && ',') + `{"ticket":"${ticket}","place":${place}}`;
      }
      return tickets[place];
    },
  };

  async function request(url, options) {
    const given = options ?? {};
    const headers = {};
    const named = given.headers ?? {};
    if (typeof named.forEach === 'function' && !isArray(named)) named.forEach((value, key) => { headers[key] = text(value); });
    else for (const key in named) headers[key] = text(named[key]);
    let body = given.body ?? null;
    if (body !== null && typeof body !== 'string') {
      body = body instanceof URLSearchParams ? RealString(body) : stringify(body);
      if (headers['Content-Type'] === undefined && headers['content-type'] === undefined)
        headers['Content-Type'] = given.body instanceof URLSearchParams
          ? 'application/x-www-form-urlencoded' : 'application/json';
    }
    return hostCall('fetch', { url: text(url), method: text(given.method ?? 'GET'), headers, body });
  }
  class Headers {
    #values = create(null);
    constructor(given) { for (const name in given ?? {}) this.#values[name.toLowerCase()] = `${given[name]}`; }
    get(name) { return this.#values[`${name}`.toLowerCase()] ?? null; }
    set(name, value) { this.#values[`${name}`.toLowerCase()] = `${value}`; }
    has(name) { return this.#values[`${name}`.toLowerCase()] !== undefined; }
    forEach(work) { for (const name in this.#values) work(this.#values[name], name, this); }
    *entries() { for (const name in this.#values) yield [name, this.#values[name]]; }
    [Symbol.iterator]() { return this.entries(); }
  }
  class Response {
    constructor(answer) {
      this.status = answer.status; this.ok = answer.status >= 200 && answer.status < 300;
      this.statusText = answer.reason; this.url = answer.url; this.headers = new Headers(answer.headers);
      defineProperty(this, 'body', { value: answer.body });
    }
    async text() { return this.body; }
    async json() { return parse(this.body); }
  }
  class URLSearchParams {
    #pairs = [];
    constructor(given) {
      if (typeof given === 'string')
        for (const part of given.replace(/^\?/, '').split('&')) {
          if (!part) continue;
          const [name, ...rest] = part.split('=');
          const read = (one) => decodeURIComponent(one.replace(/\+/g, ' '));
          this.append(read(name), read(rest.join('=')));
        }
      else if (isArray(given)) for (const [name, value] of given) this.append(name, value);
      else for (const name in given ?? {}) this.append(name, given[name]);
    }
    append(name, value) { this.#pairs.push([`${name}`, `${value}`]); }
    set(name, value) { this.delete(name); this.append(name, value); }
    get(name) { return this.#pairs.find(([one]) => one === name)?.[1] ?? null; }
    has(name) { return this.get(name) !== null; }
    delete(name) { this.#pairs = this.#pairs.filter(([one]) => one !== name); }
    forEach(work) { for (const [name, value] of this.#pairs) work(value, name, this); }
    [Symbol.iterator]() { return this.#pairs[Symbol.iterator](); }
    toString() {
      const write = (one) => encodeURIComponent(one).replace(/%20/g, '+');
      return this.#pairs.map(([name, value]) => `${write(name)}=${write(value)}`).join('&');
    }
  }
  provide('fetch', async (url, options) => new Response(await request(url, options)));
  provide('Headers', Headers);
  provide('URLSearchParams', URLSearchParams);
  async function curl(method, url, body, options) {
    const answer = await request(url, { ...options, method, body });
    let data = answer.body;
    try { data = parse(answer.body); } catch { /* It is text. */ }
    return { status: answer.status, headers: answer.headers, body: answer.body, data };
  }
  const cxCurl = {
    get: (url, options) => curl('GET', url, null, options),
    delete: (url, options) => curl('DELETE', url, null, options),
    post: (url, body, options) => curl('POST', url, body ?? null, options),
    put: (url, body, options) => curl('PUT', url, body ?? null, options),
    request: (given) => curl(given.method ?? 'GET', given.url, given.body ?? given.data ?? null, given),
  };

  // --- digests (FIPS 180-4, RFC 1321, RFC 2104) and chance
  function utf8(value) {
    if (value instanceof Bytes) return value;
    if (value instanceof ArrayBuffer) return new Bytes(value);
    const given = RealString(value);
    const bytes = [];
    for (let i = 0; i < given.length; i++) {
      let code = apply(charCodeAt, given, [i]);
      if (code >= 0xd800 && code < 0xdc00 && i + 1 < given.length) {
        const low = apply(charCodeAt, given, [i + 1]);
        if (low >= 0xdc00 && low < 0xe000) { code = 0x10000 + ((code - 0xd800) << 10) + low - 0xdc00; i++; }
      }
      if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
      if (code < 0x80) bytes[bytes.length] = code;
      else if (code < 0x800) { bytes[bytes.length] = 0xc0 | (code >> 6); bytes[bytes.length] = 0x80 | (code & 63); }
      else {
        if (code < 0x10000) bytes[bytes.length] = 0xe0 | (code >> 12);
        else { bytes[bytes.length] = 0xf0 | (code >> 18); bytes[bytes.length] = 0x80 | ((code >> 12) & 63); }
        bytes[bytes.length] = 0x80 | ((code >> 6) & 63);
        bytes[bytes.length] = 0x80 | (code & 63);
      }
    }
    return new Bytes(bytes);
  }
  function unicode(bytes) {
    let read = '';
    for (let i = 0; i < bytes.length;) {
      const first = bytes[i++];
      const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
      let code = more === 3 ? first & 7 : more === 2 ? first & 15 : more === 1 ? first & 31 : first;
      for (let k = 0; k < more && i < bytes.length; k++) code = (code << 6) | (bytes[i++] & 63);
      read += code > 0xffff
        ? fromCharCode(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff)) : fromCharCode(code);
    }
    return read;
  }
  function padded(message, block, lengthBytes, little) {
    const size = message.length;
    const whole = new Bytes(Math.ceil((size + 1 + lengthBytes) / block) * block);
    whole.set(message); whole[size] = 0x80;
    const view = new View(whole.buffer);
    const low = (size * 8) >>> 0, high = floor(size / 0x20000000);
    if (little) { view.setUint32(whole.length - 8, low, true); view.setUint32(whole.length - 4, high, true); }
    else { view.setUint32(whole.length - 8, high); view.setUint32(whole.length - 4, low); }
    return view;
  }
  function words32(words, little) {
    const out = new Bytes(words.length * 4), view = new View(out.buffer);
    for (let i = 0; i < words.length; i++) view.setUint32(i * 4, words[i] >>> 0, little);
    return out;
  }
  function primes(count) {
    const found = [];
    for (let n = 2; found.length < count; n++) {
      let prime = true;
      for (let i = 0; i < found.length && found[i] * found[i] <= n; i++) if (n % found[i] === 0) { prime = false; break; }
      if (prime) found[found.length] = n;
    }
    return found;
  }
  // The first bits behind the point of the square or cube root of a prime: all that SHA-2's constants are.
  function rootBits(n, power, bits) {
    const wanted = BigInt(n) << BigInt(power * bits);
    let low = 0n, high = BigInt(n + 1) << BigInt(bits);
    while (low < high) {
      const middle = (low + high + 1n) >> 1n;
      if (middle ** BigInt(power) <= wanted) low = middle; else high = middle - 1n;
    }
    return low & ((1n << BigInt(bits)) - 1n);
  }
  const made = create(null);
  const once = (name, make) => made[name] ?? (made[name] = make());
  const k256 = () => once('k256', () => primes(64).map((p) => Number(rootBits(p, 3, 32))));
  const h256 = () => once('h256', () => primes(8).map((p) => Number(rootBits(p, 2, 32))));
  function sha256(message) {
    const view = padded(message, 64, 8), k = k256();
    const h = h256().slice(), w = new Uint32Array(64);
    const turn = (x, n) => (x >>> n) | (x << (32 - n));
    for (let at = 0; at < view.byteLength; at += 64) {
      for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + i * 4);
      for (let i = 16; i < 64; i++) {
        const a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
      }
      let [a, b, c, d, e, f, g, z] = h;
      for (let i = 0; i < 64; i++) {
        const one = (z + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
        const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        z = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
      }
      const add = [a, b, c, d, e, f, g, z];
      for (let i = 0; i < 8; i++) h[i] = (h[i] + add[i]) | 0;
    }
    return words32(h);
  }
  function sha512(message, start, size) {
    const view = padded(message, 128, 16), M = (1n << 64n) - 1n;
    const k = once('k512', () => primes(80).map((p) => rootBits(p, 3, 64)));
    const h = start.slice(), w = [];
    const turn = (x, n) => ((x >> n) | (x << (64n - n))) & M;
    for (let at = 0; at < view.byteLength; at += 128) {
      for (let i = 0; i < 16; i++) w[i] = view.getBigUint64(at + i * 8);
      for (let i = 16; i < 80; i++) {
        const a = w[i - 15], b = w[i - 2];
        w[i] = (w[i - 16] + (turn(a, 1n) ^ turn(a, 8n) ^ (a >> 7n)) + w[i - 7] + (turn(b, 19n) ^ turn(b, 61n) ^ (b >> 6n))) & M;
      }
      let [a, b, c, d, e, f, g, z] = h;
      for (let i = 0; i < 80; i++) {
        const one = z + (turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n)) + ((e & f) ^ ((e ^ M) & g)) + k[i] + w[i];
        const two = (turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
        z = g; g = f; f = e; e = (d + one) & M; d = c; c = b; b = a; a = (one + two) & M;
      }
      const add = [a, b, c, d, e, f, g, z];
      for (let i = 0; i < 8; i++) h[i] = (h[i] + add[i]) & M;
    }
    const out = new Bytes(64), written = new View(out.buffer);
    for (let i = 0; i < 8; i++) written.setBigUint64(i * 8, h[i]);
    return out.slice(0, size);
  }
  const h512 = () => once('h512', () => primes(8).map((p) => rootBits(p, 2, 64)));
  const h384 = () => once('h384', () => primes(16).slice(8).map((p) => rootBits(p, 2, 64)));
  function sha1(message) {
    const view = padded(message, 64, 8), w = new Uint32Array(80);
    const h = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
    const turn = (x, n) => (x << n) | (x >>> (32 - n));
    for (let at = 0; at < view.byteLength; at += 64) {
      for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + i * 4);
      for (let i = 16; i < 80; i++) w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
      let [a, b, c, d, e] = h;
      for (let i = 0; i < 80; i++) {
        const [f, k] = i < 20 ? [(b & c) | (~b & d), 0x5a827999] : i < 40 ? [b ^ c ^ d, 0x6ed9eba1]
          : i < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6];
        const next = (turn(a, 5) + f + e + k + w[i]) | 0;
        e = d; d = c; c = turn(b, 30); b = a; a = next;
      }
      const add = [a, b, c, d, e];
      for (let i = 0; i < 5; i++) h[i] = (h[i] + add[i]) | 0;
    }
    return words32(h);
  }
  function md5(message) {
    const view = padded(message, 64, 8, true);
    const k = once('md5', () => Array.from({ length: 64 }, (_, i) => floor(Math.abs(Math.sin(i + 1)) * 4294967296)));
    const turns = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    const h = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
    for (let at = 0; at < view.byteLength; at += 64) {
      let [a, b, c, d] = h;
      for (let i = 0; i < 64; i++) {
        const [f, g] = i < 16 ? [(b & c) | (~b & d), i] : i < 32 ? [(d & b) | (~d & c), (5 * i + 1) % 16]
          : i < 48 ? [b ^ c ^ d, (3 * i + 5) % 16] : [c ^ (b | ~d), (7 * i) % 16];
        const sum = (a + f + k[i] + view.getUint32(at + g * 4, true)) | 0, n = turns[i >> 4][i % 4];
        a = d; d = c; c = b; b = (b + ((sum << n) | (sum >>> (32 - n)))) | 0;
      }
      const add = [a, b, c, d];
      for (let i = 0; i < 4; i++) h[i] = (h[i] + add[i]) | 0;
    }
    return words32(h, true);
  }
  const digests = {
    __proto__: null, md5: [md5, 64], sha1: [sha1, 64], sha256: [sha256, 64],
    sha384: [(message) => sha512(message, h384(), 48), 128], sha512: [(message) => sha512(message, h512(), 64), 128],
  };
  function digestNamed(name) {
    const found = digests[RealString(name).toLowerCase().replace('-', '')];
    if (found === undefined) throw new RealError(`there is no digest ${name}; use md5, sha1, sha256, sha384 or sha512`);
    return found;
  }
  function joined(parts) {
    let size = 0;
    for (let i = 0; i < parts.length; i++) size += parts[i].length;
    const whole = new Bytes(size);
    size = 0;
    for (let i = 0; i < parts.length; i++) { whole.set(parts[i], size); size += parts[i].length; }
    return whole;
  }
  function hex(bytes) {
    let out = '';
    for (let i = 0; i < bytes.length; i++) out += (bytes[i] < 16 ? '0' : '') + bytes[i].toString(16);
    return out;
  }
  function encoded(bytes, encoding) {
    if (encoding === undefined) return withText(bytes);
    if (encoding === 'hex') return hex(bytes);
    let binary = '';
    for (let i = 0; i < bytes.length; i++) binary += fromCharCode(bytes[i]);
    if (encoding === 'base64') return btoa(binary);
    if (encoding === 'base64url') return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
    if (encoding === 'binary' || encoding === 'latin1') return binary;
    throw new RealError(`there is no encoding ${encoding}; use hex, base64 or base64url`);
  }
  function withText(bytes) {
    defineProperty(bytes, 'toString', { value: (encoding) => encoded(bytes, encoding ?? 'hex'), configurable: true });
    return bytes;
  }
  function hmac([digest, block], key, message) {
    const short = key.length > block ? digest(key) : key;
    const inner = new Bytes(block).fill(0x36), outer = new Bytes(block).fill(0x5c);
    for (let i = 0; i < short.length; i++) { inner[i] ^= short[i]; outer[i] ^= short[i]; }
    return digest(joined([outer, digest(joined([inner, message]))]));
  }
  function hashing(finish) {
    const parts = [];
    const one = {
      update: (value) => { parts[parts.length] = utf8(value); return one; },
      digest: (encoding) => encoded(finish(joined(parts)), encoding),
    };
    return one;
  }
  function random(size) {
    const out = new Bytes(size);
    for (let at = 0; at < size; at += 32) out.set(sha256(utf8(`${seed}:${drawn++}`)).slice(0, size - at), at);
    return out;
  }
  const crypto = {
    createHash: (name) => { const [digest] = digestNamed(name); return hashing(digest); },
    createHmac: (name, key) => {
      const found = digestNamed(name), secret = utf8(key);
      return hashing((message) => hmac(found, secret, message));
    },
    randomBytes: (size) => {
      if (!(size >= 0 && size <= 65536)) throw new RealRangeError('randomBytes: ask for 0 to 65536');
      return withText(random(floor(size)));
    },
    randomInt: (from, to) => {
      const [low, high] = to === undefined ? [0, from] : [from, to];
      const drawnBytes = random(6);
      let number = 0;
      for (let i = 0; i < 6; i++) number = number * 256 + drawnBytes[i];
      return low + number % (high - low);
    },
    randomUUID: () => {
      const bytes = random(16);
      bytes[6] = (bytes[6] & 15) | 64; bytes[8] = (bytes[8] & 63) | 128;
      return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    },
    getRandomValues: (array) => {
      const bytes = new Bytes(array.buffer, array.byteOffset, array.byteLength);
      bytes.set(random(bytes.length));
      return array;
    },
    timingSafeEqual: (one, other) => hex(one) === hex(other),
    subtle: {
      digest: async (name, value) => {
        const [digest] = digestNamed(typeof name === 'string' ? name : name.name);
        return digest(utf8(value.buffer instanceof ArrayBuffer ? new Bytes(value.buffer, value.byteOffset, value.byteLength) : value)).buffer;
      },
    },
  };
  provide('crypto', crypto);
  provide('TextEncoder', class TextEncoder { encode(value) { return utf8(value ?? ''); } });
  provide('TextDecoder', class TextDecoder { decode(value) { return unicode(value instanceof Bytes ? value : new Bytes(value ?? 0)); } });

  // --- modules
  const builtIn = { __proto__: null, cxRest, cxHelper, cxKV, cxCurl, crypto, 'node:crypto': crypto };
  const loaded = create(null);
  let table, paths, localMain;
  function find(from, name) {
    const wanted = RealString(name);
    if (builtIn[wanted] !== undefined) return { ready: builtIn[wanted] };
    const path = paths[from]?.[wanted];
    if (path === undefined)
      throw new RealError(`there is no module ${stringify(wanted)}: write its name as text, such as require('./lib'), and put its file into the folder of scripts`);
    return { path };
  }
  function load(path) {
    if (loaded[path] !== undefined) return loaded[path];
    const module = { exports: {} };
    loaded[path] = module;
    module.done = apply(table[path], undefined, scope(path, module));
    return module;
  }
  function scope(path, module) {
    const require = (name) => { const found = find(path, name); return found.ready ?? load(found.path).exports; };
    const take = (name) => { const found = find(path, name); return namespace(found.ready ?? load(found.path).exports); };
    const importLater = async (name) => take(name);
    return [module.exports, require, module, take, importLater, (main) => { if (path === 0) localMain = main; }];
  }
  // What `import` sees of a module that was written for `require`: its exports, and itself as the default.
  function namespace(exports) {
    if (exports !== null && typeof exports === 'object' && exports.__esModule) return exports;
    if (exports === null || (typeof exports !== 'object' && typeof exports !== 'function')) return { default: exports };
    const view = create(exports);
    if (!('default' in exports)) defineProperty(view, 'default', { value: exports });
    return view;
  }
  function mainOf(exports) {
    const own = exports !== null && (typeof exports === 'object' || typeof exports === 'function') ? exports : {};
    for (const one of [own.main, own.default, exports, own.default?.main, localMain]) if (typeof one === 'function') return one;
    throw new RealError('there is no function main: write `async function main(data) { ... return data; }`');
  }
  async function run(data) {
    const module = { exports: {} };
    loaded[0] = module;
    await apply(table[0], undefined, scope(0, module));
    return mainOf(module.exports)(data);
  }

  // --- the driver
  function told(error) {
    const read = (name) => { try { const value = error[name]; return typeof value === 'string' ? value : ''; } catch { return ''; } };
    try {
      if (error instanceof RealError) return stringify({ name: read('name'), message: read('message'), stack: read('stack') });
      return stringify({ name: '', message: shown(error), stack: '' });
    } catch { return '{"name":"","message":"a value that cannot be shown was thrown","stack":""}'; }
  }
  function fail(error) { if (state === 'running') { failure = told(error); state = 'failed'; } }
  function finish(value, data) {
    if (state !== 'running') return;
    try {
      const written = stringify(value === undefined ? data : value);
      if (written === undefined) throw new RealTypeError('main returned a function or a symbol; return data');
      if (written.length > limits.output_chars)
        throw new RealRangeError(`it has more than ${limits.output_chars} characters`);
      result = written; state = 'done';
    } catch (error) { fail(error); state = 'no_result'; }
  }
  function start(given, functions) {
    const begin = parse(given);
    limits = begin.limits; seed = begin.seed; table = functions; paths = begin.paths;
    clockOffset = begin.now_ms - realNow(); startedAt = now();
    const { data } = begin;
    apply(then, run(data), [(value) => finish(value, data), fail]);
  }
  function poll() {
    const first = nextTimer();
    const wait = first === null ? 'null' : `${timers[first].at > realNow() ? timers[first].at - realNow() : 0}`;
    const told = `{"state":"${state}","result":${result},"failure":${failure},"calls":[${outbox}],"log":[${log}],`
      + `"tickets":[${ticketList}],"waiting":${waitingCount},"timer_ms":${wait}}`;
    outbox = ''; log = ''; ticketList = '';
    // The binding knows no ropes, which long texts become that are put together piece by piece.
    return apply(join, [told], ['']);
  }
  return function drive(what, given, functions) {
    if (what === 'start') { start(given, functions); return ''; }
    if (what === 'answer') { takeAnswer(parse(given)); return ''; }
    if (what === 'timer') { try { return runTimer() ? 'again' : ''; } catch (error) { fail(error); return ''; } }
    return poll();
  };
})()
