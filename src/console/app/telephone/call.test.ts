import { expect, test } from "vitest";
import { callee, lost, noCall, take, timeOf, type Call } from "./call.ts";
import type { Line, Received } from "./messages.ts";

function event(type: string, fields: Record<string, unknown> = {}, lines: Line[] = []): Received {
  return { type: "event", event: { type, at_s: 0, app: "card", slot: "ask", depth: 0, ...fields }, lines };
}
function line(at_s: number, what: string): Line {
  return { at_s, slot: "ask", event: what, detail: "" };
}
function calling(...messages: Received[]): Call {
  const call = noCall();
  for (const one of [{ type: "calling", did: "1", cli: null, app: null } as Received, event("call_started"), ...messages]) take(call, one, 1000);
  return call;
}
const began = (sound: string, prompt: string | null = null): Received => ({ type: "sound_began", sound, prompt, length_s: 2, takes_keys: true, at_s: 0 });
const ended = (sound: string, prompt: string | null = null): Received => ({ type: "sound_ended", sound, prompt, at_s: 2 });

test("the slot in which the call is follows the call into apps and back", () => {
  const call = calling(event("slot_entered", { slot_type: "ivr" }));
  expect(call.place).toEqual({ app: "card", slot: "ask", type: "ivr", depth: 0 });
  take(call, event("slot_entered", { app: "other", slot: "menu[1]", slot_type: "menu", depth: 1 }), 0);
  expect(call.place).toEqual({ app: "other", slot: "menu[1]", type: "menu", depth: 1 });
  take(call, event("app_returned", { exit: "done" }), 0);
  expect(call.place).toEqual({ app: "card", slot: "ask", type: "app", depth: 0 });
  take(call, event("call_ended"), 0);
  expect(call.place).toBeNull();
});

test("lines of the transcript stand in the order of their times, whenever they are told", () => {
  const call = calling(event("a", {}, [line(1, "dial")]), event("b", {}, [line(9, "ended"), line(9, "exit")]), event("c", {}, [line(5, "answered")]));
  expect(call.lines.map((one) => one.event)).toEqual(["dial", "answered", "ended", "exit"]);
  expect(new Set(call.lines.map((one) => one.key)).size).toBe(4);
});

test("time goes on at the pace, and stops where the wait ends", () => {
  const call = calling({ type: "clock", at_s: 10, until_s: 12, pace: 0.5 });
  expect(timeOf(call, 1000)).toBe(10);
  expect(timeOf(call, 3000)).toBe(11);
  expect(timeOf(call, 60_000)).toBe(12);
  take(call, { type: "clock", at_s: 11, until_s: null, pace: 0 }, 3000);
  expect(timeOf(call, 60_000)).toBe(11);
  lost(call);
  expect(timeOf(call, 90_000)).toBe(11);
});

test("a callee rings, talks, and is gone; its leg says so", () => {
  const call = calling(
    event("credit_held", { leg: 1, amount: "0.50", currency: "USD", limit_s: 300 }),
    event("leg_dialled", { leg: 1, trunk: "carrier", dialled: "44123" }),
    { type: "dialled", leg: 1, dial_string: "PJSIP/44123@carrier", at_s: 0 },
    { type: "priced", leg: 1, price: "0.10", connection: "0", currency: "USD", destination: "" },
    began("ringing"),
  );
  expect(callee(call)).toBe("rings");
  expect(call.legs[0]).toMatchObject({ status: "ringing", held: "0.50", limit_s: 300, price: "0.10", dial_string: "PJSIP/44123@carrier" });
  take(call, ended("ringing"), 0);
  expect(callee(call)).toBeNull();
  take(call, began("callee"), 0);
  expect([callee(call), call.legs[0]!.status]).toEqual(["talks", "talking"]);
  take(call, ended("callee"), 0);
  take(call, event("leg_ended", { leg: 1, trunk: "carrier", dialled: "44123", status: "answered", talked_s: 3 }), 0);
  expect(call.legs[0]).toMatchObject({ status: "answered", talked_s: 3 });
});

test("the end of a sound that is not the one that is heard changes nothing", () => {
  const call = calling(began("prompt", "A"), began("prompt", "B"), ended("prompt", "A"));
  expect(call.sound?.prompt).toBe("B");
});

test("keys are shown until they are taken, and variables until they are gone", () => {
  const call = calling({ type: "variables", set: { a: "1", b: "2" }, gone: [] });
  call.keys = "1234";
  take(call, event("digits_collected", { digits: "****" }), 0);
  take(call, { type: "variables", set: { b: "****" }, gone: ["a"] }, 0);
  expect([call.keys, call.variables]).toEqual(["", { b: "****" }]);
});

test("a call that is refused, lost or over is no call any more, and the next one begins anew", () => {
  const refused = noCall();
  refused.phase = "calling";
  take(refused, { type: "problem", problem: { status: 422, code: "x", detail: "no" }, about: "call" }, 0);
  expect([refused.phase, refused.problem?.detail]).toEqual(["idle", "no"]);
  const call = calling(event("slot_entered", { slot_type: "ivr" }, [line(0, "answered")]), began("prompt", "A"));
  take(call, { type: "problem", problem: { status: 422, code: "x", detail: "no" }, about: "key" }, 0);
  expect(call.phase).toBe("in_call");
  lost(call);
  expect([call.phase, call.bye, call.sound]).toEqual(["over", "lost", null]);
  take(call, { type: "calling", did: "2", cli: null, app: null }, 0);
  expect([call.phase, call.did, call.bye, call.lines]).toEqual(["calling", "2", "", []]);
});

test("a message of a type that is not known yet is passed over", () => {
  const call = calling();
  const before = JSON.stringify(call);
  take(call, { type: "weather" } as unknown as Received, 0);
  take(call, event("weather"), 0);
  expect(JSON.stringify(call)).toBe(before);
});
