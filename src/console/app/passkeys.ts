import { ask } from "./api.ts";
import { Problem } from "./problem.ts";

type Options = { public_key: unknown };

/** Whether this browser can be asked as the server asks. */
export function browserHasPasskeys(): boolean {
  return typeof PublicKeyCredential !== "undefined" && "parseRequestOptionsFromJSON" in PublicKeyCredential;
}

/** Whether the server takes passkeys, of a domain that this page is on: browsers know none of addresses. */
export async function passkeysAreTaken(): Promise<boolean> {
  if (!browserHasPasskeys()) return false;
  const { takes_passkeys, domain } = await ask<{ takes_passkeys: boolean; domain: string }>("GET", "/session/passkey");
  return takes_passkeys && (location.hostname === domain || location.hostname.endsWith(`.${domain}`));
}

/** Has an authenticator make a passkey; `refused`: what is said where the person or the authenticator does not want to. */
export async function makePasskey(options: Options, refused: string): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.public_key as PublicKeyCredentialCreationOptionsJSON);
  return answered(navigator.credentials.create({ publicKey }), refused);
}

/** Has an authenticator sign with a passkey. */
export async function provePasskey(options: Options, refused: string): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.public_key as PublicKeyCredentialRequestOptionsJSON);
  return answered(navigator.credentials.get({ publicKey }), refused);
}

async function answered(asked: Promise<Credential | null>, refused: string): Promise<unknown> {
  try {
    return ((await asked) as PublicKeyCredential).toJSON();
  } catch (error) {
    // Cancelled, too late, none there, or there already: browsers do not tell pages which.
    if (error instanceof DOMException) throw new Problem(0, "passkey.cancelled", refused);
    throw error;
  }
}
