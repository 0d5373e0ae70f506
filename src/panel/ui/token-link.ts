import { BridgeError, bridge } from "../bridge-api.ts";
import { dialog, live } from "../page.ts";
import { tokenOf } from "../text/token-hash.ts";

/**
 * Signs in with the token of an address such as `http://127.0.0.1:4319/#token=…`. What stands behind `#` is
 * sent to no server, and is gone from the address at once. One that is refused is told of, and asked for.
 * Resolves to whether there was one that was taken; never rejects.
 */
export async function tradeToken(): Promise<boolean> {
  const token = tokenOf(location.hash);
  if (token === undefined) return false;
  history.replaceState(null, "", "#/jobs");
  try {
    await bridge.signIn(token);
    return true;
  } catch (error) {
    // Whoever has no answer is told so for the feed as well.
    if (error instanceof BridgeError && error.status === 401) askAnew();
    return false;
  }
}

function askAnew(): void {
  const why = "The token in the address is not this server's.";
  const onSignedIn = () => {
    if (live.link.peek().state === "closed") live.start();
  };
  dialog.value = { kind: "sign-in", why, onSignedIn };
}
