/** A call as its messages tell of it: what is heard, where the flow is, what was dialled and said. */
import type { Line, MadeCall, MadeScenario, Problem, Received, Sound } from "./messages.ts";

export type Phase = "idle" | "calling" | "in_call" | "over";

export interface Place {
  app: string;
  slot: string;
  type: string;
  depth: number;
}

export interface Leg {
  leg: number;
  dial_string: string;
  trunk: string;
  dialled: string;
  status: string;
  talked_s: number | null;
  /** What is held for it, and the talk that it pays for. */
  held: string;
  limit_s: number | null;
  price: string;
  charged: string;
  currency: string;
}

export interface ShownLine extends Line {
  key: number;
}

export interface Call {
  phase: Phase;
  did: string;
  cli: string | null;
  answered: boolean;
  sound: Sound | null;
  place: Place | null;
  /** The time of the call when the machine's clock was at `heard_ms`, how it goes on, and where it stops. */
  clock: { at_s: number; until_s: number | null; pace: number; heard_ms: number };
  lines: ShownLine[];
  variables: Record<string, unknown>;
  legs: Leg[];
  customer: number | null;
  card: string | null;
  /** What was keyed and not yet taken. */
  keys: string;
  ended: MadeCall | null;
  missing: string[];
  /** Made of this call, when it was over. */
  scenario: MadeScenario | null;
  problem: Problem | null;
  bye: string;
}

export function noCall(): Call {
  return {
    phase: "idle",
    did: "",
    cli: null,
    answered: false,
    sound: null,
    place: null,
    clock: { at_s: 0, until_s: null, pace: 1, heard_ms: 0 },
    lines: [],
    variables: {},
    legs: [],
    customer: null,
    card: null,
    keys: "",
    ended: null,
    missing: [],
    scenario: null,
    problem: null,
    bye: "",
  };
}

/** Takes in what the server says next. `now_ms` is the machine's clock. */
export function take(call: Call, message: Received, now_ms: number): void {
  switch (message.type) {
    case "calling":
      Object.assign(call, { ...noCall(), phase: "calling", did: message.did, cli: message.cli, clock: call.clock });
      break;
    case "event":
      takeEvent(call, message.event);
      for (const line of message.lines) addLine(call, line);
      break;
    case "variables":
      for (const name of message.gone) delete call.variables[name];
      Object.assign(call.variables, message.set);
      break;
    case "sound_began":
      call.sound = { sound: message.sound, prompt: message.prompt, length_s: message.length_s, takes_keys: message.takes_keys, at_s: message.at_s };
      if (message.sound === "callee") lastLeg(call, (leg) => (leg.status = "talking"));
      if (message.sound === "ringing" || message.sound === "early_media") lastLeg(call, (leg) => (leg.status = "ringing"));
      break;
    case "sound_ended":
      if (call.sound?.sound === message.sound && call.sound.prompt === message.prompt) call.sound = null;
      break;
    case "clock":
      call.clock = { at_s: message.at_s, until_s: message.until_s, pace: message.pace, heard_ms: now_ms };
      break;
    case "dialled":
      legOf(call, message.leg).dial_string = message.dial_string;
      break;
    case "priced":
      Object.assign(legOf(call, message.leg), { price: message.price, currency: message.currency });
      break;
    case "ended":
      end(call, message.call);
      call.missing = message.prompts_missing;
      for (const one of message.charged) if (one.charged !== null) Object.assign(legOf(call, one.leg), { charged: one.charged, currency: one.currency ?? "" });
      break;
    case "scenario":
      call.scenario = message;
      call.problem = null;
      break;
    case "problem":
      call.problem = message.problem;
      if (message.about === "call") call.phase = call.lines.length ? "over" : "idle";
      break;
    case "bye":
      call.bye = message.reason;
      break;
  }
}

/** The connection is gone, and with it the call. */
export function lost(call: Call): void {
  if (call.phase === "calling" || call.phase === "in_call") {
    call.phase = "over";
    call.bye ||= "lost";
  }
  call.sound = null;
}

/** The time of the call now, in seconds from its arrival. */
export function timeOf(call: Call, now_ms: number): number {
  const { at_s, until_s, pace, heard_ms } = call.clock;
  if (call.phase !== "in_call" && call.phase !== "calling") return at_s;
  const now_s = at_s + (Math.max(0, now_ms - heard_ms) / 1000) * pace;
  return until_s === null ? now_s : Math.min(now_s, until_s);
}

/** Who can be told what to do: a callee who rings, or one who talks. */
export function callee(call: Call): "rings" | "talks" | null {
  if (call.phase !== "in_call") return null;
  return call.sound?.sound === "ringing" ? "rings" : call.sound?.sound === "callee" ? "talks" : null;
}

function takeEvent(call: Call, event: { type: string; [field: string]: unknown }): void {
  switch (event.type) {
    case "call_started":
      call.phase = "in_call";
      break;
    case "call_answered":
      call.answered = true;
      break;
    case "call_identified":
      call.customer = event.customer as number;
      call.card = (event.card as string | null) ?? null;
      break;
    case "slot_entered":
      call.place = { app: event.app as string, slot: event.slot as string, type: event.slot_type as string, depth: event.depth as number };
      break;
    case "app_returned":
      call.place = { app: event.app as string, slot: event.slot as string, type: "app", depth: event.depth as number };
      break;
    case "digits_collected":
      call.keys = "";
      break;
    case "leg_dialled":
      Object.assign(legOf(call, event.leg as number), { trunk: event.trunk, dialled: event.dialled, status: "dialled" });
      break;
    case "credit_held":
    case "credit_extended":
      Object.assign(legOf(call, event.leg as number), { held: event.amount, currency: event.currency, limit_s: event.limit_s });
      break;
    case "leg_answered":
      call.answered = true;
      break;
    case "leg_ended":
      Object.assign(legOf(call, event.leg as number), {
        trunk: event.trunk ?? "",
        dialled: event.dialled,
        status: event.status,
        talked_s: event.status === "answered" ? event.talked_s : null,
      });
      break;
    case "call_ended":
      call.sound = null;
      call.place = null;
      break;
  }
}

function end(call: Call, made: MadeCall): void {
  call.phase = "over";
  call.ended = made;
  call.sound = null;
  call.place = null;
  call.keys = "";
}

/** By their times: Asterisk tells of ringing and answer when the attempt is over. */
function addLine(call: Call, line: Line): void {
  let at = call.lines.length;
  while (at > 0 && call.lines[at - 1]!.at_s > line.at_s) at--;
  call.lines.splice(at, 0, { ...line, key: call.lines.length });
}

function legOf(call: Call, position: number): Leg {
  let leg = call.legs.find((one) => one.leg === position);
  if (!leg) {
    call.legs.push({ leg: position, dial_string: "", trunk: "", dialled: "", status: "", talked_s: null, held: "", limit_s: null, price: "", charged: "", currency: "" });
    leg = call.legs[call.legs.length - 1]!;
  }
  return leg;
}

function lastLeg(call: Call, change: (leg: Leg) => void): void {
  const leg = call.legs[call.legs.length - 1];
  if (leg) change(leg);
}
