/** Counts what is wrong, and keeps some of it to be looked at. */
export class Faults<Kind extends string> {
  readonly counts: Record<Kind, number>;
  readonly examples: string[] = [];

  constructor(...kinds: Kind[]) {
    this.counts = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;
  }

  add(kind: Kind, example: string): void {
    if (this.counts[kind]++ < 5) this.examples.push(`${kind}: ${example}`);
  }
}
