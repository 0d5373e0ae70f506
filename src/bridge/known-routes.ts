/** The registered routes, to tell a wrong method from a wrong path. */
export class KnownRoutes {
  readonly #methods = new Map<string, Set<string>>();

  add(path: string, method: string): void {
    const methods = this.#methods.get(path) ?? new Set();
    this.#methods.set(path, methods.add(method));
  }

  /** Such as `GET /v1/jobs/:id`; HEAD goes without saying where there is GET. */
  list(): string[] {
    return [...this.#methods].flatMap(([path, methods]) =>
      [...methods].filter((method) => method !== "HEAD").map((method) => `${method} ${path}`),
    );
  }

  /** What the path of `url` may be asked with; undefined when there is no such path. */
  methodsOf(url: string): string[] | undefined {
    const segments = url.replace(/\?.*$/, "").split("/");
    for (const [path, methods] of this.#methods) {
      if (fits(path.split("/"), segments)) return [...methods, "OPTIONS"];
    }
    return undefined;
  }
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every(
      (part, index) => part === segments[index] || (part.startsWith(":") && segments[index] !== ""),
    )
  );
}
