const TOKEN = /^#token=([\x21-\x7e]+)$/;

/** The token that an address brings along behind its `#`; undefined when it brings none. */
export function tokenOf(hash: string): string | undefined {
  const token = TOKEN.exec(hash)?.[1];
  if (token === undefined) return undefined;
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}
