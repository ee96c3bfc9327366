"""Scripts in their processes: what they can do, and what they cannot."""

from __future__ import annotations

import asyncio
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
