/** What the caller hears: prompts as the API has them, ringing, and the tones of keys. */
import { addressOf, part } from "../api.ts";
import type { Received } from "./messages.ts";

const RINGS_HZ = [440, 480];
const RINGS_S = 2;
const RINGS_EVERY_S = 6;
const LOUDNESS = 0.06;
// ITU-T Q.23: a row and a column.
const ROWS_HZ = [697, 770, 852, 941];
const COLUMNS_HZ = [1209, 1336, 1477];
const KEYS = "123456789*0#";
/** How slowly and quickly browsers play sounds. */
const SLOWEST = 0.0625;
const FASTEST = 16;

export class Earphone {
  #audio: HTMLAudioElement | null = null;
  #prompt: string | null = null;
  #began_s = 0;
  #context: AudioContext | null = null;
  #gain: GainNode | null = null;
  #ringing: AudioBufferSourceNode | null = null;
  #tones: OscillatorNode[] = [];
  #muted = false;

  /** To be called while a person does something: only then a browser lets a page begin to be heard. */
  wake(): void {
    this.#audio ??= new Audio();
    if (!this.#context) {
      this.#context = new AudioContext();
      this.#gain = this.#context.createGain();
      this.#gain.connect(this.#context.destination);
      this.mute(this.#muted);
    }
    void this.#context.resume();
  }

  take(message: Received, pace: number): void {
    if (message.type === "sound_began") {
      if (message.sound === "prompt" && message.prompt) this.#play(message.prompt, message.at_s, pace);
      else if (message.sound === "ringing") this.#ring(pace);
    } else if (message.type === "sound_ended") {
      if (message.sound === "ringing") this.#stopRinging();
      // A warning in the talk takes none of the call's time, and is heard beside it.
      else if (message.prompt === this.#prompt && message.at_s > this.#began_s) this.#stopPrompt();
    }
  }

  setPace(pace: number): void {
    this.#goAt(pace);
    if (this.#ringing) this.#ringing.playbackRate.value = pace;
  }

  mute(muted: boolean): void {
    this.#muted = muted;
    if (this.#audio) this.#audio.muted = muted;
    if (this.#gain) this.#gain.gain.value = muted ? 0 : LOUDNESS;
  }

  keyDown(key: string): void {
    this.keyUp();
    const at = KEYS.indexOf(key);
    if (!this.#context || !this.#gain || at < 0) return;
    for (const hertz of [ROWS_HZ[Math.floor(at / 3)]!, COLUMNS_HZ[at % 3]!]) {
      const tone = this.#context.createOscillator();
      tone.frequency.value = hertz;
      tone.connect(this.#gain);
      tone.start();
      this.#tones.push(tone);
    }
  }

  keyUp(): void {
    for (const tone of this.#tones.splice(0)) tone.stop();
  }

  silence(): void {
    this.#stopPrompt();
    this.#stopRinging();
    this.keyUp();
  }

  #play(prompt: string, at_s: number, pace: number): void {
    if (!this.#audio) return;
    this.#prompt = prompt;
    this.#began_s = at_s;
    this.#audio.src = addressOf(`/prompts/${part(prompt)}/sound`, { format: "wav" });
    this.#goAt(pace);
  }

  #goAt(pace: number): void {
    const audio = this.#audio;
    if (!audio || this.#prompt === null) return;
    if (pace <= 0) {
      audio.pause();
      return;
    }
    audio.defaultPlaybackRate = audio.playbackRate = Math.min(FASTEST, Math.max(SLOWEST, pace));
    // It was stopped before it began, or is not there: the call goes on without it.
    audio.play().catch(() => undefined);
  }

  #stopPrompt(): void {
    this.#prompt = null;
    this.#audio?.pause();
  }

  #ring(pace: number): void {
    this.#stopRinging();
    if (!this.#context || !this.#gain) return;
    const rate = this.#context.sampleRate;
    const buffer = this.#context.createBuffer(1, RINGS_EVERY_S * rate, rate);
    const samples = buffer.getChannelData(0);
    for (let n = 0; n < RINGS_S * rate; n++) {
      samples[n] = RINGS_HZ.reduce((sum, hertz) => sum + Math.sin((2 * Math.PI * hertz * n) / rate), 0);
    }
    this.#ringing = new AudioBufferSourceNode(this.#context, { buffer, loop: true, playbackRate: pace });
    this.#ringing.connect(this.#gain);
    this.#ringing.start();
  }

  #stopRinging(): void {
    this.#ringing?.stop();
    this.#ringing = null;
  }
}
