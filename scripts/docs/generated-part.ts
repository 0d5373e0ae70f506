/** Parts of a document that are written by a script stand between two comments that name them. */
function markers(name: string): { open: string; close: string } {
  return { open: `<!-- generated: ${name} -->`, close: `<!-- /generated: ${name} -->` };
}

/** @throws Error when the document has no such part */
export function replaceGenerated(document: string, name: string, content: string): string {
  const { open, close } = markers(name);
  const start = document.indexOf(open);
  const end = document.indexOf(close, start);
  if (start === -1 || end === -1) throw new Error(`Expected \`${open}\` … \`${close}\` in the document`);
  return `${document.slice(0, start)}${open}\n\n${content.trim()}\n\n${document.slice(end)}`;
}

/** A Markdown table; cells may hold `|`. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(header), `|${"---|".repeat(header.length)}`, ...rows.map(line)].join("\n");
}
