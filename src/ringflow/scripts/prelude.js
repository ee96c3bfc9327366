// What a script finds around it, and how the worker drives it. Evaluated in every fresh context before the
// script; gives a function that takes the texts of `web.js` and `digests.js`, and gives the driver, which only
// the worker holds. A script may change every built-in object, so what the driver itself needs is taken aside
// first, and its own lists have no prototype.
(function (web, digests) {
  'use strict';
  const { parse, stringify } = JSON;
  const { create, defineProperty, getPrototypeOf } = Object;
  const { apply } = Reflect;
  const RealDate = Date, RealError = Error, RealTypeError = TypeError, RealRangeError = RangeError;
  const RealPromise = Promise, then = Promise.prototype.then, realNow = Date.now, { floor } = Math;
  const RealString = String, RealNumber = Number, { slice, split, replace } = String.prototype;
  const { toFixed } = Number.prototype, { isArray } = Array;
  const join = Array.prototype.join, { test } = RegExp.prototype, evaluate = globalThis.eval;

  let limits = { log_lines: 0, log_chars: 0, calls: 0, timers: 0 };
  let startedAt = 0, clockOffset = 0, seed = '', data, env = {};
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

  // --- chance: anew in each run, and the same where a run has to be begun again (Doty-Humphrey's sfc32)
  let a = 0, b = 0, c = 0, counter = 1;
  function draw() {
    const next = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9); b = (c + (c << 3)) | 0; c = ((c << 21) | (c >>> 11)) + next | 0;
    return next >>> 0;
  }
  function sow() {
    const word = (at) => RealNumber('0x' + apply(slice, seed, [at, at + 8])) | 0;
    a = word(0); b = word(8); c = word(16);
    for (let i = 0; i < 15; i++) draw();
  }
  defineProperty(Math, 'random', {
    value: () => (draw() * 0x200000 + (draw() >>> 11)) / 0x20000000000000, writable: true, configurable: true,
  });

  // --- texts of dates and numbers: what the engine would leave out is an error
  function refuseOptions(name, options) {
    for (const option in options)
      if (options[option] !== undefined)
        throw new RealError(`${name}: there is no Intl here, so the option ${option} has no effect; use getHours, getUTCHours and padStart, by the clock of config.yaml's timezone`);
  }
  for (const name of ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString']) {
    const real = RealDate.prototype[name];
    defineProperty(RealDate.prototype, name, {
      value(locale, options) { refuseOptions(name, options); return apply(real, this, []); },
      writable: true, configurable: true,
    });
  }
  defineProperty(Number.prototype, 'toLocaleString', {
    value(locale, options) {
      const { minimumFractionDigits: least = 0, maximumFractionDigits: most = least > 3 ? least : 3, ...others } = options ?? {};
      refuseOptions('toLocaleString', others);
      if (locale !== undefined && !apply(test, /^en\b/, [`${locale}`]))
        throw new RealError(`toLocaleString: there is no Intl here, and so no ${locale}; use toFixed`);
      const [digits, fraction = ''] = apply(split, apply(toFixed, this, [most]), ['.']);
      let kept = fraction;
      while (kept.length > least && kept[kept.length - 1] === '0') kept = apply(slice, kept, [0, -1]);
      return apply(replace, digits, [/\B(?=(\d{3})+$)/g, ',']) + (kept && `.${kept}`);
    },
    writable: true, configurable: true,
  });

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
  // `get('cli', {cli})`, `get('customer', 42)`, `update('customer', 42, {name})`, `get('cli?cli=4419')`.
  function request(user, method, area, ...given) {
    let resource = text(area);
    if (typeof given[0] === 'string' || typeof given[0] === 'number') resource += `/${given.shift()}`;
    return hostCall('rest', { user: text(user), method, resource, given: given[0] ?? {} });
  }
  function cxRest(user) {
    const api = {};
    for (const [name, method] of [['get', 'get'], ['post', 'post'], ['put', 'put'], ['delete', 'delete'], ['del', 'delete'],
      ['create', 'post'], ['read', 'get'], ['update', 'put']]) api[name] = (...given) => request(user, method, ...given);
    return api;
  }
  cxRest.auth = cxRest;
  const seconds = (ttl) => (typeof ttl === 'object' && ttl !== null ? ttl.ttl : ttl) ?? null;
  const keep = (key, value, ttl) => hostCall('kv.set', { key: text(key), value: value ?? null, ttl_s: seconds(ttl) });
  const kept = (key) => hostCall('kv.get', { key: text(key) });
  const forget = (key) => hostCall('kv.delete', { key: text(key) });
  const asText = (value) => (value === null || value === undefined || typeof value === 'string' ? value
    : typeof value === 'object' ? stringify(value) : RealString(value));
  const cxKV = {
    get: kept, set: keep, delete: forget, del: forget,
    incr: (key, by, ttl) => hostCall('kv.incr', { key: text(key), by: by ?? 1, ttl_s: seconds(ttl) }),
    decr: (key, by, ttl) => hostCall('kv.incr', { key: text(key), by: -(by ?? 1), ttl_s: seconds(ttl) }),
    keys: () => hostCall('kv.keys', {}),
    usage: () => hostCall('kv.usage', {}),
    // Values that are texts, and values that are objects.
    kv: { get: async (key) => asText(await kept(key)) ?? null, set: (key, value, ttl) => keep(key, asText(value), ttl), delete: forget, del: forget },
    ko: { get: kept, set: keep, delete: forget, del: forget },
  };
  // The key itself never comes into this process: a ticket stands for it, and becomes the key once the script
  // has ended and its result is checked.
  const tickets = create(null);
  let ticketList = '';
  const cxHelper = {
    generatePbxSecurityKey: (customer, server) => {
      const place = stringify([text(customer), text(server)]);
      if (tickets[place] === undefined) {
        let ticket = `v1.${floor(now() / 1000)}.`;
        for (let i = 0; i < 8; i++) ticket += apply(slice, (0x100000000 + draw()).toString(16), [1]);
        tickets[place] = ticket;
        ticketList += (ticketList && ',') + `{"ticket":"${ticket}","place":${place}}`;
      }
      return tickets[place];
    },
  };

  // --- what most scripts do without: evaluated when it is first used
  const sources = { __proto__: null, web, digests }, parts = create(null);
  const inner = {
    __proto__: null, hostCall, text, addTimer, clearTimer, seed: () => seed,
    utf8: (value) => part('digests').utf8(value), base64: (value) => part('digests').base64(value),
  };
  function part(name) { return parts[name] ?? (parts[name] = evaluate(sources[name])(inner)); }
  function provideLater(from, names) {
    for (const name of names)
      defineProperty(globalThis, name, {
        get() { const value = part(from)[name]; provide(name, value); return value; },
        set(value) { provide(name, value); },
        configurable: true, enumerable: false,
      });
  }
  provideLater('web', ['fetch', 'Headers', 'Response', 'URL', 'URLSearchParams', 'AbortController', 'AbortSignal', 'structuredClone']);
  provideLater('digests', ['crypto', 'Buffer', 'TextEncoder', 'TextDecoder']);

  // --- what scripts of before `main(data)` knew: vars(), exit(response) and err([code, reason])
  function vars() { return data; }
  provide('vars', vars);
  provide('exit', (value) => { finish(value); return new RealPromise(() => {}); });
  provide('err', (error) => { fail(error); return new RealPromise(() => {}); });
  provide('process', { get env() { return env; } });

  // --- the call as scripts of programmable voice know it: a script here has no call to play to
  const variables = () => (typeof data.variables === 'object' && data.variables !== null ? data.variables : (data.variables = {}));
  const ctx = {
    get: (name) => variables()[name], set: (name, value) => { variables()[name] = value; },
    log: (...values) => write('info', values),
  };
  for (const name of ['answer', 'hangup', 'echo', 'play', 'tts', 'say', 'record', 'ivr', 'bridge', 'waitFor', 'blockDTMF', 'header', 'sleep', 'on', 'park', 'conference', 'transfer'])
    ctx[name] = () => { throw new RealError(`ctx.${name} is not available here: a script does not hold the call; let slots of the app play, ask and dial, with scripts between them`); };

  // --- modules
  const builtIn = { __proto__: null, cxRest, cxHelper, cxKV };
  const laterModules = {
    __proto__: null, cxCurl: ['web', 'cxCurl'], axios: ['web', 'axios'], crypto: ['digests', 'crypto'], 'node:crypto': ['digests', 'crypto'],
    buffer: ['digests', null], 'node:buffer': ['digests', null], url: ['web', null], 'node:url': ['web', null],
  };
  const loaded = create(null);
  let table, paths, localMain;
  function find(from, name) {
    const wanted = RealString(name);
    if (builtIn[wanted] !== undefined) return { ready: builtIn[wanted] };
    if (laterModules[wanted] !== undefined) {
      const [from, member] = laterModules[wanted];
      return { ready: member === null ? part(from) : part(from)[member] };
    }
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
  async function run() {
    const module = { exports: {} };
    loaded[0] = module;
    await apply(table[0], undefined, scope(0, module));
    return mainOf(module.exports)(data, ctx);
  }
  // What is given under other names too, which do not come back: the vars by their own names, each also as a
  // text of `process.env`, and of the routing what older scripts look for.
  function addAliases() {
    if (typeof data !== 'object' || data === null) return;
    const alias = (object, name, value) => defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
    for (const name in data.vars) {
      if (!(name in data)) alias(data, name, data.vars[name]);
      if (typeof data.vars[name] !== 'object') env[name] = RealString(data.vars[name]);
    }
    for (const name in data) defineProperty(vars, name, { value: data[name], writable: true, configurable: true, enumerable: true });
    const rows = data.routing?.egress_routing;
    if (!isArray(rows)) return;
    if (data.egress_routing === undefined) alias(data, 'egress_routing', rows);
    for (let i = 0; i < rows.length; i++) if (rows[i].gw === undefined) alias(rows[i], 'gw', {});
  }
  // What main gives, with what JSON would lose of it.
  function given(value) {
    if (value === undefined) return data;
    if (value === vars) return { ...data, ...vars };
    const rows = value === null ? undefined : value.routing?.egress_routing;
    if (isArray(rows) && rows.headers !== undefined && value.routing.headers === undefined) value.routing.headers = rows.headers;
    return value;
  }

  // --- the driver
  const cut = (given) => apply(slice, given, [0, 10000]);
  function told(error) {
    const read = (name) => { try { const value = error[name]; return typeof value === 'string' ? cut(value) : ''; } catch { return ''; } };
    try {
      // The engine throws null where no memory is left for an error.
      if (error === null) return '{"name":"InternalError","message":"out of memory","stack":""}';
      // `throw [480, 'Closed']`.
      if (isArray(error) && error.length > 1) return stringify({ name: '', message: cut(`${error[0]} ${shown(error[1])}`), stack: '' });
      if (error instanceof RealError) return stringify({ name: read('name'), message: read('message'), stack: read('stack') });
      return stringify({ name: '', message: cut(shown(error)), stack: '' });
    } catch { return '{"name":"","message":"a value that cannot be shown was thrown","stack":""}'; }
  }
  function fail(error) { if (state === 'running') { failure = told(error); state = 'failed'; } }
  function finish(value) {
    if (state !== 'running') return;
    try {
      const written = stringify(given(value));
      if (written === undefined) throw new RealTypeError('main returned a function or a symbol; return data');
      if (written.length > limits.output_chars)
        throw new RealRangeError(`it has more than ${limits.output_chars} characters`);
      result = written; state = 'done';
    } catch (error) { fail(error); state = 'no_result'; }
  }
  function start(told, functions) {
    const begin = parse(told);
    limits = begin.limits; seed = begin.seed; table = functions; paths = begin.paths; data = begin.data;
    clockOffset = begin.now_ms - realNow(); startedAt = now();
    sow();
    addAliases();
    apply(then, run(), [finish, fail]);
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
})
