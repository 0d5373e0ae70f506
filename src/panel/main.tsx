import { render } from "preact";
import { App } from "./app.tsx";
import { bridge } from "./bridge-api.ts";
import { followAddress, live } from "./page.ts";
import { keepSettings } from "./settings.ts";
import { tradeToken } from "./ui/token-link.ts";

const FIRST_JOBS = 50;

keepSettings();
// A link may bring the token along, behind the part of the address that is sent to the server.
await tradeToken();
followAddress();
live.start();
// The whole list can be ten thousand jobs: the first of them are shown before it is here.
bridge
  .jobs(FIRST_JOBS)
  .then((jobs) => live.preview(jobs))
  // Whatever is wrong, the feed will tell.
  .catch(() => {});
render(<App />, document.getElementById("app") as HTMLElement);
