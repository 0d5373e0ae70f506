import { bridge } from "../bridge-api.ts";
import { tokenOf } from "../text/token-hash.ts";

/**
 * Signs in with the token of an address such as `http://127.0.0.1:4319/#token=…`. What stands behind `#` is
 * sent to no server, and is gone from the address at once. One that is refused is asked for when it is needed.
 * Resolves to whether there was one that was taken; never rejects.
 */
export async function tradeToken(): Promise<boolean> {
  const token = tokenOf(location.hash);
  if (token === undefined) return false;
  history.replaceState(null, "", "#/jobs");
  return bridge.signIn(token).then(
    () => true,
    () => false,
  );
}
