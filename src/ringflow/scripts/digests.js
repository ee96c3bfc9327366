// Digests (FIPS 180-4, RFC 1321, RFC 2104), random bytes, and bytes as texts. Evaluated in a context when a
// script first uses one of its names; `inner` is what the prelude has taken aside.
(function (inner) {
  'use strict';
  const { create } = Object;
  const { apply } = Reflect;
  const RealString = String, RealError = Error, RealRangeError = RangeError, { floor } = Math;
  const { charCodeAt } = String.prototype, { fromCharCode } = String;
  const Bytes = Uint8Array, View = DataView, toBase64 = btoa, fromBase64 = atob;
  let drawn = 0;

  function utf8(value) {
    if (value instanceof Bytes) return value;
    if (value instanceof ArrayBuffer) return new Bytes(value);
    if (ArrayBuffer.isView(value)) return new Bytes(value.buffer, value.byteOffset, value.byteLength);
    if (Array.isArray(value)) return new Bytes(value);
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
    if (encoding === undefined) return buffer(bytes);
    if (encoding === 'hex') return hex(bytes);
    if (encoding === 'utf8' || encoding === 'utf-8') return unicode(bytes);
    let binary = '';
    for (let i = 0; i < bytes.length; i++) binary += fromCharCode(bytes[i]);
    if (encoding === 'base64') return toBase64(binary);
    if (encoding === 'base64url') return toBase64(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
    if (encoding === 'binary' || encoding === 'latin1' || encoding === 'ascii') return binary;
    throw new RealError(`there is no encoding ${encoding}; use utf8, hex, base64 or base64url`);
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
    for (let at = 0; at < size; at += 32) out.set(sha256(utf8(`${inner.seed()}:${drawn++}`)).slice(0, size - at), at);
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
      return buffer(random(floor(size)));
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
        return digest(utf8(value)).buffer;
      },
    },
  };

  // --- Node's Buffer, as far as texts and their encodings go
  class Buffer extends Bytes {
    static from(value, encoding) { return buffer(typeof value === 'string' ? bytesOf(value, encoding) : utf8(value)); }
    static alloc(size, fill) { return buffer(new Bytes(size).fill(fill ?? 0)); }
    static concat(parts) { return buffer(joined(parts)); }
    static isBuffer(value) { return value instanceof Buffer; }
    static byteLength(value, encoding) { return bytesOf(value, encoding).length; }
    toString(encoding) { return encoded(this, encoding ?? 'utf8'); }
    toJSON() { return { type: 'Buffer', data: [...this] }; }
    equals(other) { return hex(this) === hex(other); }
    static get [Symbol.species]() { return Bytes; }
  }
  function buffer(bytes) { return new Buffer(bytes.buffer, bytes.byteOffset, bytes.length); }
  function bytesOf(value, encoding) {
    const given = RealString(value), kind = RealString(encoding ?? 'utf8').toLowerCase();
    if (kind === 'utf8' || kind === 'utf-8') return utf8(given);
    if (kind === 'hex') return new Bytes((given.match(/../g) ?? []).map((two) => parseInt(two, 16)));
    if (kind === 'base64' || kind === 'base64url')
      return bytesOf(fromBase64(given.replace(/-/g, '+').replace(/_/g, '/').replace(/[\s=]/g, '').replace(/^(?:.{4})*.{2,3}$/, (short) => short.padEnd(Math.ceil(short.length / 4) * 4, '='))), 'binary');
    if (kind === 'binary' || kind === 'latin1' || kind === 'ascii') {
      const bytes = new Bytes(given.length);
      for (let i = 0; i < given.length; i++) bytes[i] = apply(charCodeAt, given, [i]) & 255;
      return bytes;
    }
    throw new RealError(`there is no encoding ${encoding}; use utf8, hex, base64 or base64url`);
  }
  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(value) { return utf8(value ?? ''); }
  }
  class TextDecoder {
    get encoding() { return 'utf-8'; }
    decode(value) { return unicode(utf8(value ?? new Bytes(0))); }
  }
  return { crypto, Buffer, TextEncoder, TextDecoder, utf8, base64: (given) => encoded(utf8(given), 'base64') };
})
