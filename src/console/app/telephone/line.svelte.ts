/** The telephone's connection: sends what a person does, and keeps the call as the server tells of it. */
import { callee, lost, noCall, take, timeOf, type Call } from "./call.ts";
import { Earphone } from "./earphone.ts";
import type { Calling, Does, Received, Sent } from "./messages.ts";

/** How a key may be held at least, in seconds: so long is a tap. */
const TAP_S = 0.1;

class TelephoneLine {
  call = $state<Call>(noCall());
  pace = $state(1);
  muted = $state(false);
  /** The time of the call, while it goes on. */
  now_s = $state(0);
  #socket: WebSocket | null = null;
  #earphone = new Earphone();
  #ticks: ReturnType<typeof setInterval> | undefined;

  get busy(): boolean {
    return this.call.phase === "calling" || this.call.phase === "in_call";
  }

  /** Calls a number, and throws an `Event` where the server cannot be reached. */
  async dial(calling: Calling): Promise<void> {
    this.call = noCall();
    this.call.phase = "calling";
    this.call.did = calling.did;
    this.call.cli = calling.cli;
    // A browser lets a page be heard from a person's deed on.
    this.#earphone.wake();
    try {
      await this.#connect();
    } catch (error) {
      this.call.phase = "idle";
      throw error;
    }
    this.#send({ type: "call", ...calling, pace: this.pace });
    this.#ticks ??= setInterval(() => this.#tick(), 100);
  }

  press(key: string): void {
    if (this.busy) this.#earphone.keyDown(key);
  }

  release(key: string, held_ms: number): void {
    this.#earphone.keyUp();
    if (!this.busy) return;
    this.call.keys = (this.call.keys + key).slice(-40);
    const held_s = this.pace ? (held_ms / 1000) * this.pace : 0;
    this.#send({ type: "key", key, held_s: Math.min(60, Math.max(TAP_S, held_s)) });
  }

  hangUp(): void {
    if (this.busy) this.#send({ type: "hang_up" });
  }

  calleeDoes(does: Does): void {
    if (callee(this.call)) this.#send({ type: "callee", does });
  }

  speaks(speaks: boolean): void {
    if (this.busy) this.#send({ type: "speak", speaks });
  }

  skip(): void {
    if (this.busy) this.#send({ type: "skip", until_s: this.call.clock.until_s });
  }

  /** Makes a scenario of the call, which is over. */
  record(name: string, save: boolean): void {
    this.call.scenario = null;
    this.call.problem = null;
    this.#send({ type: "scenario", name, save });
  }

  setPace(pace: number): void {
    this.pace = pace;
    if (this.busy) this.#send({ type: "pace", pace });
    this.#earphone.setPace(pace);
  }

  mute(muted: boolean): void {
    this.muted = muted;
    this.#earphone.mute(muted);
  }

  /** Ends the call and the connection. */
  close(): void {
    this.#socket?.close(1000);
    this.#gone();
  }

  #connect(): Promise<void> {
    if (this.#socket?.readyState === WebSocket.OPEN) return Promise.resolve();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/telephone`);
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = reject;
      socket.onmessage = (event) => this.#take(JSON.parse(event.data) as Received);
      socket.onclose = (event) => {
        reject(event);
        if (this.#socket === socket) this.#gone();
      };
    });
  }

  #gone(): void {
    this.#socket = null;
    lost(this.call);
    this.#stop();
  }

  #send(message: Sent): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #take(message: Received): void {
    take(this.call, message, performance.now());
    this.#earphone.take(message, this.pace);
    if (message.type === "clock") this.#tick();
    if (!this.busy) this.#stop();
  }

  #tick(): void {
    this.now_s = timeOf(this.call, performance.now());
  }

  #stop(): void {
    this.#tick();
    this.#earphone.silence();
    clearInterval(this.#ticks);
    this.#ticks = undefined;
  }
}

export const line = new TelephoneLine();
