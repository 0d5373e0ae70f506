import { bridge } from "../bridge-api.ts";

const TOKEN = /^#token=([\x21-\x7e]+)$/;

/**
 * Signs in with the token of an address such as `http://127.0.0.1:4319/#token=…`. What stands behind `#` is
 * sent to no server, and is gone from the address at once. One that is refused is asked for when it is needed.
 */
export async function tradeToken(): Promise<void> {
  const token = TOKEN.exec(location.hash)?.[1];
  if (token === undefined) return;
  history.replaceState(null, "", "#/jobs");
  await bridge.signIn(decodeURIComponent(token)).catch(() => {});
}
