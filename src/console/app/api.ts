/** The REST API, with the types of its document. The browser sends the cookie of the session by itself. */
import createClient from "openapi-fetch";
import type { paths } from "../.made/api.d.ts";

export const api = createClient<paths>({ baseUrl: "/" });
