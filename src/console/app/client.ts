/**
 * The REST API, with the types of each operation. `data` and `error` are as openapi-fetch has them, which pages with lists
 * do without, because it is a tenth of what they load: they use `ask` of `api.ts`.
 */
import createClient from "openapi-fetch";
import type { paths } from "../.made/api.d.ts";
import { send } from "./api.ts";

export const api = createClient<paths>({ baseUrl: "/", fetch: send });
