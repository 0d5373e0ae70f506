import { ERROR_CODES } from "../../src/errors.ts";
import { replaceGenerated, table } from "./generated-part.ts";

/** `docs/errors.md` with its table of codes as `src/errors.ts` now has them. */
export function renderErrorDocs(document: string): string {
  const rows = Object.entries(ERROR_CODES).map(([code, meaning]) => [`\`${code}\``, meaning]);
  return replaceGenerated(document, "codes", table(["code", "meaning"], rows));
}
