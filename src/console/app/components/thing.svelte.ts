/** One thing of the API, with the `ETag` by which it is changed. */
import { answered, Problem } from "../api.ts";

export class Thing<T> {
  value = $state.raw<T | null>(null);
  problem = $state<Problem | null>(null);
  etag = "";

  constructor(readonly path: string) {
    void this.load();
  }

  load = async (): Promise<void> => {
    try {
      const { data, etag } = await answered<T>("GET", this.path);
      this.value = data;
      this.etag = etag ?? "";
      this.problem = null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem = error;
    }
  };

  /** Change it, unless somebody else has done so since it was read. */
  async change(body: unknown, path = this.path): Promise<void> {
    const { data, etag } = await answered<T>("PATCH", path, { body, match: this.etag || "*" });
    if (path === this.path) [this.value, this.etag] = [data, etag ?? ""];
    if (!etag) await this.load();
  }
}
