// Rewrites the generated parts of the documents: `npm run docs:events`.

import { readFileSync, writeFileSync } from "node:fs";
import { renderErrorDocs } from "./error-docs.ts";
import { renderEventDocs } from "./event-docs.ts";

const documents = { "events.md": renderEventDocs, "errors.md": renderErrorDocs };

for (const [name, render] of Object.entries(documents)) {
  const url = new URL(`../../docs/${name}`, import.meta.url);
  writeFileSync(url, render(readFileSync(url, "utf8")));
}
