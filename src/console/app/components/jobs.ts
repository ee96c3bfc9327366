/** Work that the API does as a job: asked for, then looked at until it has ended. */
import { ask, type Schemas } from "../api.ts";

export type Job = Schemas["JobForm"];

const ENDED = new Set(["done", "failed", "cancelled", "interrupted"]);
export const ended = (job: Job) => ENDED.has(job.status);

/** Looks at a job until it has ended; `seen` gets each state of it. */
export async function follow(job: Job, seen: (job: Job) => void, signal?: AbortSignal): Promise<Job> {
  let wait = 100;
  seen(job);
  while (!ended(job)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (signal?.aborted) return job;
    wait = Math.min(1000, wait * 1.5);
    job = await ask<Job>("GET", `/jobs/${job.id}`);
    seen(job);
  }
  return job;
}

export const cancel = (job: Job) => ask<Job>("POST", `/jobs/${job.id}:cancel`);
