import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app.tsx";
import { bridge } from "./bridge-api.ts";
import { bridgeTemplate, dialog, followAddress, live } from "./page.ts";
import { keepSettings } from "./settings.ts";
import { onSignInElsewhere } from "./sign-ins.ts";
import { templateOf } from "./text/trace-link.ts";
import { tradeToken } from "./ui/token-link.ts";

const FIRST_JOBS = 50;

keepSettings();
// A link may bring the token along, behind the part of the address that is sent to the server; also to a
// page that is open. Asked before the address is followed, so that it never stays there.
const trade = tradeToken();
addEventListener("hashchange", async () => {
  if (await tradeToken()) signedIn();
});
onSignInElsewhere(() => {
  // Whatever else it is asked for here, somebody has to go on with who sees what it is.
  const link = live.link.peek();
  if (link.state !== "closed" || link.error?.status !== 401) return;
  if (dialog.peek()?.kind === "sign-in") dialog.value = undefined;
  live.start();
});
followAddress();
render(<App />, document.getElementById("app") as HTMLElement);
await trade;
// The whole list can be ten thousand jobs: the first of them are asked for before it, and shown before it is
// here.
bridge
  .jobs(FIRST_JOBS)
  .then((jobs) => live.preview(jobs))
  // Whatever is wrong, the feed will tell.
  .catch(() => {});
live.start();
// Whenever it is connected anew: the bridge may be another one, or tell it only now.
effect(() => {
  if (live.link.value.state === "open") void askForTemplate();
});

async function askForTemplate(): Promise<void> {
  try {
    bridgeTemplate.value = templateOf(await bridge.status());
  } catch {
    // See above: then it stays what it was.
  }
}

/** What waited for it goes on. */
function signedIn(): void {
  const open = dialog.peek();
  if (open?.kind === "sign-in") {
    dialog.value = undefined;
    open.onSignedIn();
  } else if (live.link.peek().state === "closed") live.start();
}
