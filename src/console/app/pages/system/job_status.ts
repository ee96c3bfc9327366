import type { Kind } from "../../components/Status.svelte";

export const KINDS: Record<string, Kind> = { queued: "plain", running: "info", done: "good", failed: "bad", cancelled: "warn", interrupted: "warn" };
