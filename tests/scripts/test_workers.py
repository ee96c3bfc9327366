"""Scripts in their processes: what they can do, and what they cannot."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import signal
from dataclasses import replace

import pytest
from pydantic import JsonValue

from ringflow.scripts.run import CallRefused, FailureKind, HostCall, Job, RunLimits, ScriptFailed
from ringflow.scripts.workers import ScriptWorkers, WorkerSettings

from .conftest import NOW_MS, Bench

SHORT = RunLimits(time_ms=150, memory_bytes=8 * 1024 * 1024, microtasks=5000, calls=5, timers=50)
PATIENT = replace(SHORT, time_ms=30_000)
"""For what ends by another limit, however slow the machine is."""

HOSTILE = [
    ("for (;;) ;", FailureKind.TIME),
    ("try { for (;;) ; } catch (e) {} finally { for (;;) ; }", FailureKind.TIME),
    ("const again = () => Promise.resolve().then(again); await again();", FailureKind.MICROTASKS),
    (
        "(async function again() { await null; again(); })(); await new Promise(() => {});",
        FailureKind.MICROTASKS,
    ),
    ("const all = []; for (;;) all.push('x'.repeat(1e5) + all.length);", FailureKind.MEMORY),
    ("let text = 'x'; for (;;) text += text;", FailureKind.THROWN),
    ("const all = new Map(); for (;;) all.set({}, new Array(1e4));", FailureKind.MEMORY),
    ("return 'x'.padStart(2 ** 29);", FailureKind.MEMORY),
    ("return /^(a+)+$/.test('a'.repeat(40) + 'b');", FailureKind.TIME),
    ("return new Array(4294967295).join('x').length;", FailureKind.TIME),
    ("const deep = () => deep() + 1; deep();", FailureKind.THROWN),
    ("let all = []; for (let i = 0; i < 5000; i++) all = [all]; return all;", FailureKind.BAD_RESULT),
    ("return {toJSON() { for (;;) ; }};", FailureKind.TIME),
    ("return {get x() { throw new Error('no'); }};", FailureKind.BAD_RESULT),
    ("return {n: 1n};", FailureKind.BAD_RESULT),
    ("return 'x'.repeat(300000);", FailureKind.BAD_RESULT),
    ("const one = {}; one.one = one; return one;", FailureKind.BAD_RESULT),
    ("return () => 1;", FailureKind.BAD_RESULT),
    ("for (let i = 0; i < 100; i++) setTimeout(() => {}, 10000);", FailureKind.THROWN),
    ("const again = () => setTimeout(again); again(); await new Promise(() => {});", FailureKind.TIME),
    ("await new Promise(() => {});", FailureKind.NEVER_SETTLED),
    ("for (let i = 0; i < 9; i++) require('cxKV').get('k');", FailureKind.THROWN),
    ("throw {get message() { for (;;) ; }};", FailureKind.TIME),
    ("throw Object.assign(new Error('x'), {stack: {}});", FailureKind.THROWN),
    ("await import('node:' + 'fs');", FailureKind.THROWN),
]

CONTAINED = [
    # The return value: proxies, getters, thenables, symbols, depth and size.
    "return new Proxy({}, { get() { for (;;) ; } });",
    "return new Proxy({}, { ownKeys() { return Array.from({ length: 1e6 }, (_, i) => 'k' + i); } });",
    "return { get then() { throw new Error('then'); } };",
    "return { then(done) { done(this); } };",
    "return { [Symbol.toPrimitive]() { for (;;) ; }, toJSON() { return { toJSON() { return this; } }; } };",
    "return { routing: { get egress_routing() { for (;;) ; } } };",
    "return JSON.parse('['.repeat(1e4) + ']'.repeat(1e4));",
    "return '\\u0001'.repeat(200000);",
    "return [...Array(1e5)].map(() => '\\ud800');",
    # Errors: giant, forged, with stacks of their own.
    "throw new Error('x'.repeat(6e6));",
    "throw Object.assign(new Error('x'), { stack: '<input>:999999:1 '.repeat(5e5) });",
    "throw new Proxy(new Error('x'), { get() { throw {}; }, getPrototypeOf() { for (;;) ; } });",
    "throw [401, { toString() { for (;;) ; } }];",
    "throw { toJSON() { throw this; } };",
    "Error.prepareStackTrace = (_, frames) => frames.map((f) => f.getFunction?.()); throw new Error('x');",
    "Error.prepareStackTrace = () => { for (;;) ; }; await require('cxKV').get('k');",
    "Error.stackTraceLimit = 1e9; (function deep() { deep(); })();",
    # What the driver uses, and what the language is made of.
    "JSON.stringify = Reflect.apply = Array.prototype.join = null; Object.prototype.then = 5; return data;",
    "for (const name of Object.getOwnPropertyNames(globalThis)) delete globalThis[name]; return data;",
    "Array.prototype[Symbol.iterator] = function* () { for (;;) yield 1; }; console.log(1, 2); return [];",
    "Object.defineProperty(Object.prototype, 'state', { get() { return 'done'; } }); return {};",
    "Object.freeze(Object.prototype); Object.freeze(globalThis); return {};",
    "Promise.prototype.then = function () { for (;;) ; }; return data;",
    "String.prototype.slice = () => 'x'.repeat(1e9); console.log('a'); throw new Error('x');",
    # Work that no interrupt stops, and memory.
    "return 2n ** 400000000n > 1n;",
    "return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);",
    "return new Uint8Array(2 ** 31).length;",
    "return new ArrayBuffer(8, { maxByteLength: 2 ** 40 }).byteLength;",
    "return /((a*)*)*b/.test('a'.repeat(30));",
    # Log, timers, and calls of the host.
    "console.log('x'.repeat(10 * 2 ** 20)); console.error(new Error('x'.repeat(10 * 2 ** 20))); return 1;",
    "for (let i = 0; i < 1e5; i++) console.log(i); return 1;",
    "console.log({ toJSON() { for (;;) ; } });",
    "function fork() { setTimeout(fork); setTimeout(fork); } fork(); await new Promise(() => {});",
    "setInterval(() => { throw new Error('late'); }, 1); await new Promise(() => {});",
    "await require('cxKV').set('k', { toJSON() { for (;;) ; } });",
    "await require('cxKV').set('k', 'x'.repeat(5e6));",
    "await require('cxRest').auth({ toString() { throw new Error('who'); } }).get('cli');",
    "await Promise.all(Array.from({ length: 1000 }, () => require('cxKV').get('k')));",
    # The way out: no function of it leads to the host.
    "return Function('return this')().constructor.constructor('return typeof process.binding')();",
    "return import('data' + ':text/javascript,export default 1');",
    "return eval('(async () => { for (;;) await null; })()');",
]


async def test_whatever_a_script_tries_ends_within_its_limits_and_leaves_the_next_run_alone(
    bench: Bench,
) -> None:
    limits = replace(SHORT, time_ms=300)
    after = "async function main(data) { return [data, [1, 2].join(), typeof leaked, {}.state ?? null]; }"
    for body in CONTAINED:
        with contextlib.suppress(ScriptFailed):
            result = await bench.run(f"var leaked = 1; async function main(data) {{ {body} }}", limits=limits)
            assert sum(len(line.text) for line in result.log) < 20_000, body
        assert (await bench.run(after, {"a": 1})).value == [{"a": 1}, "1,2", "undefined", None], body
    # Two runs at a time, one in an endless loop: the other's data is its own.
    workers = ScriptWorkers(WorkerSettings(size=2))
    loops = bench.script("function main(data) { globalThis.secret = data; for (;;) ; }", "loops")
    looks = bench.script("function main() { return typeof secret; }", "looks")
    endless = asyncio.create_task(workers.run(loops, Job({"pin": 1}, NOW_MS, limits)))
    seen = {str((await workers.run(looks, Job({}, NOW_MS))).value) for _ in range(20)}
    await asyncio.wait([endless])
    await workers.close()
    assert seen == {"undefined"}
    assert isinstance(endless.exception(), ScriptFailed)


async def test_chance_is_anew_in_each_run_and_no_clock_is_finer_than_a_millisecond(bench: Bench) -> None:
    draws = """
        async function main() {
          const all = Array.from({ length: 500 }, Math.random);
          const ticks = new Set();
          for (let i = 0; i < 20000; i++)
            for (const now of [Date.now(), +new Date(), performance.now(), new Date().getMilliseconds()])
              if (!Number.isInteger(now)) ticks.add(now);
          return [all.slice(0, 3), all.every((n) => n >= 0 && n < 1), all.reduce((sum, n) => sum + n) / 500,
                  [...ticks], crypto.randomUUID(), crypto.randomBytes(8).toString('hex'),
                  typeof performance.timeOrigin, typeof Atomics.waitAsync];
        }
        """
    values = [(await bench.run(draws)).value for _ in range(5)]
    for value in values:
        assert isinstance(value, list)
        assert value[1] is True
        assert isinstance(value[2], float)
        assert 0.4 < value[2] < 0.6
        assert value[3] == []
    for at in (0, 4, 5):
        assert len({str(value[at]) for value in values if isinstance(value, list)}) == 5


async def test_a_hostile_script_ends_and_costs_only_its_own_run(bench: Bench) -> None:
    kinds = []
    for body, kind in HOSTILE:
        limits = SHORT if kind is FailureKind.TIME else PATIENT
        with pytest.raises(ScriptFailed) as caught:
            await bench.run(f"async function main(data) {{ {body} }}", limits=limits)
        kinds.append((body, caught.value.kind))
        after = await bench.run("async function main(data) { return [data, typeof leaked]; }", {"a": 1})
        assert after.value == [{"a": 1}, "undefined"], body
    assert kinds == HOSTILE


async def test_what_a_script_changes_of_the_language_ends_with_its_run(bench: Bench) -> None:
    await bench.run(
        """
        async function main(data) {
          globalThis.leaked = 1; Object.prototype.leaked = 2; Array.prototype.join = () => 'no';
          JSON.stringify = () => 'no'; Promise.prototype.then = null;
          Object.prototype.toJSON = () => ({a: 666});
          return data;
        }
        """
    )
    result = await bench.run(
        "async function main() { return [typeof leaked, ({}).leaked ?? null, [1, 2].join()]; }"
    )
    assert result.value == ["undefined", None, "1,2"]


async def test_nothing_of_the_host_is_reachable(bench: Bench) -> None:
    names = "require.main module.parent std os bjson process.exit process.binding process.mainModule"
    names += " Worker Deno Bun navigator global window scriptArgs print"
    result = await bench.run(
        f"module.exports = async (data) => '{names}'.split(' ').filter((one) => {{"
        " try { return (0, eval)(`typeof ${one}`) !== 'undefined'; } catch { return false; } });"
    )
    assert result.value == []


async def test_the_log_has_an_end(bench: Bench) -> None:
    limits = RunLimits(log_lines=20, log_chars=1000)
    result = await bench.run(
        "function main() { for (let i = 0; i < 3000; i++) console.log('x'.repeat(50)); return 1; }",
        limits=limits,
    )
    assert len(result.log) == 21
    assert result.log[-1].text == "what follows is left out: the script writes too much"
    assert sum(len(line.text) for line in result.log) < 1200


async def test_what_the_console_writes_is_one_line_each(bench: Bench) -> None:
    result = await bench.run(
        r"function main() { console.log('a\nb\x1b[31m', {x: [1]}, null, 5n);"
        " console.error(new Error('oh').message); return 1; }"
    )
    assert [(line.level, line.text) for line in result.log] == [
        ("info", 'a b [31m {"x":[1]} null 5n'),
        ("error", "oh"),
    ]


async def test_a_killed_process_costs_no_run(bench: Bench) -> None:
    script = bench.script(
        "async function main(data) { await new Promise((done) => setTimeout(done, 60)); return data; }"
    )
    running = asyncio.create_task(bench.workers.run(script, Job({"n": 1}, NOW_MS)))
    while not bench.workers.pids:  # noqa: ASYNC110 -- there is nothing else that tells
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    os.kill(bench.workers.pids[0], signal.SIGKILL)
    assert (await running).value == {"n": 1}
    assert bench.workers.figures.failed == 0


async def test_no_process_outlives_the_workers_also_where_its_run_was_cancelled(bench: Bench) -> None:
    asked = asyncio.Event()

    async def host(call: HostCall) -> JsonValue:
        asked.set()
        await asyncio.Event().wait()
        return None

    # The system takes a while to end a process that has much memory.
    waits = """
        async function main() {
          const much = new Uint8Array(300e6).fill(1);
          return [await require('cxKV').get('k'), much.length];
        }
        """
    limits = RunLimits(time_ms=20_000, memory_bytes=400_000_000)
    run = asyncio.create_task(bench.run(waits, limits=limits, host=host))
    await asked.wait()
    (pid,) = bench.workers.pids
    run.cancel()
    await asyncio.wait([run])
    await bench.workers.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_run_whose_process_is_lost_asks_the_host_for_nothing_twice(bench: Bench) -> None:
    asked: list[str] = []

    async def host(call: HostCall) -> JsonValue:
        asked.append(f"{call.name} {call.given['key']}")
        if call.given["key"] == "c":
            os.kill(bench.workers.pids[0], signal.SIGKILL)
            while bench.workers.figures.lost == 0:  # noqa: ASYNC110 -- there is nothing else that tells
                await asyncio.sleep(0)
        return len(asked)

    result = await bench.run(
        """
        const { incr } = require('cxKV');
        async function main() {
          console.log('begun');
          const all = [await incr('a'), ...await Promise.all([incr('b'), incr('c')])];
          return [...all, await incr('d'), Math.random()];
        }
        """,
        host=host,
    )
    assert isinstance(result.value, list)
    assert result.value[:4] == [1, 2, 3, 4]
    assert asked == ["kv.incr a", "kv.incr b", "kv.incr c", "kv.incr d"]
    assert bench.workers.figures.lost == 1
    assert [line.text for line in result.log] == ["begun"]


async def test_a_run_that_asks_for_something_else_the_second_time_is_lost(bench: Bench) -> None:
    asked: list[str] = []

    async def host(call: HostCall) -> JsonValue:
        asked.append(str(call.given["key"]))
        os.kill(bench.workers.pids[0], signal.SIGKILL)
        return None

    # How far it counts in five milliseconds is never the same.
    changing = """
        async function main() {
          const begun = Date.now();
          let counted = 0;
          while (Date.now() < begun + 5) counted++;
          await require('cxKV').incr('counted ' + counted);
        }
        """
    with pytest.raises(ScriptFailed) as caught:
        await bench.run(changing, host=host)
    assert caught.value.kind is FailureKind.LOST
    assert len(asked) == 1


async def test_a_full_queue_and_a_long_wait_refuse_a_run(bench: Bench) -> None:
    workers = ScriptWorkers(WorkerSettings(size=1, queue=1, wait_ms=20))
    script = bench.script(
        "async function main() { await new Promise((done) => setTimeout(done, 300)); return 1; }"
    )
    await workers.warm()
    runs = [asyncio.create_task(workers.run(script, Job({}, NOW_MS))) for _ in range(3)]
    results = await asyncio.gather(*runs, return_exceptions=True)
    await workers.close()
    said = sorted(str(one) for one in results if isinstance(one, ScriptFailed))
    assert said == ["one.js: 1 runs wait already for a process", "one.js: no process was free within 20 ms"]
    assert workers.figures.refused == 2


async def test_a_process_is_replaced_after_so_many_runs(bench: Bench) -> None:
    workers = ScriptWorkers(WorkerSettings(size=1, runs=3))
    script = bench.script("async function main() { return 1; }")
    for _ in range(7):
        await workers.run(script, Job({}, NOW_MS))
    await workers.close()
    assert workers.figures.started >= 3
    assert workers.figures.lost == 0


async def test_calls_of_the_host_are_answered_or_refused_where_they_stand(bench: Bench) -> None:
    async def host(call: HostCall) -> JsonValue:
        if call.given["key"] == "no":
            raise CallRefused("kv.no", "there is none", 404)
        return {"call": call.name, "given": call.given}

    result = await bench.run(
        """
        const kv = require('cxKV');
        async function main(data) {
          const all = await Promise.all([kv.get('a'), kv.set('b', {x: 1}, 60), kv.incr('c'), kv.delete(5)]);
          try { await kv.get('no'); } catch (error) { all.push([error.message, error.code, error.status]); }
          return all;
        }
        """,
        host=host,
    )
    assert result.value == [
        {"call": "kv.get", "given": {"key": "a"}},
        {"call": "kv.set", "given": {"key": "b", "value": {"x": 1}, "ttl_s": 60}},
        {"call": "kv.incr", "given": {"key": "c", "by": 1, "ttl_s": None}},
        {"call": "kv.delete", "given": {"key": "5"}},
        ["there is none", "kv.no", 404],
    ]
    with pytest.raises(ScriptFailed) as caught:
        await bench.run("async function main() {\n  await require('cxKV').get('no');\n}", host=host)
    assert (caught.value.place.line, caught.value.thrown) == (2, "there is none")


async def test_time_is_the_calls_and_in_milliseconds(bench: Bench) -> None:
    result = await bench.run(
        """
        async function main({from}) {
          const begun = performance.now();
          await new Promise((done) => setTimeout(done, 20));
          return [new Date(2020, 0, 1).getTime(), Date.now() >= from && Date.now() < from + 60000,
                  new Date() instanceof Date, Number.isInteger(begun), performance.now() - begun >= 20,
                  typeof Date(), Math.random() !== Math.random()];
        }
        """,
        {"from": NOW_MS},
    )
    assert result.value == [1_577_836_800_000, True, True, True, True, "string", True]


async def test_digests_are_those_of_the_standards(bench: Bench) -> None:
    texts = ["", "abc", "é€😀" * 40, "x" * 111, "y" * 128]
    result = await bench.run(
        """
        const crypto = require('crypto');
        async function main(data) {
          const all = ['md5', 'sha1', 'sha256', 'sha384', 'SHA-512'];
          const digests = (text) => all.map((name) => crypto.createHash(name).update(text).digest('hex'));
          return data.texts.map(digests).concat([[
                      crypto.createHmac('sha256', 'k'.repeat(70)).update('a').update('b').digest('hex'),
                      (await crypto.subtle.digest('SHA-256', new TextEncoder().encode('abc'))).byteLength,
                      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/.test(crypto.randomUUID())]]);
        }
        """,
        {"texts": list(texts)},
    )
    names = ["md5", "sha1", "sha256", "sha384", "sha512"]
    expected: list[list[object]] = [
        [hashlib.new(name, text.encode()).hexdigest() for name in names] for text in texts
    ]
    mac = hmac.new(b"k" * 70, b"ab", "sha256").hexdigest()
    assert result.value == [*expected, [mac, 32, True]]


async def test_a_security_key_is_a_ticket_as_long_as_the_script_runs(bench: Bench) -> None:
    result = await bench.run(
        """
        const { generatePbxSecurityKey } = require('cxHelper');
        async function main() {
          return [await generatePbxSecurityKey(42, 'a'), generatePbxSecurityKey('42', 'a')];
        }
        """
    )
    first, second = result.value if isinstance(result.value, list) else ["", ""]
    assert first == second
    assert [(ticket.ticket, ticket.place) for ticket in result.tickets] == [(first, ("42", "a"))]
