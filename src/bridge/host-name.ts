/** What a Host header may be: a name or address, and perhaps a port; RFC 9110, section 7.2. */
const HOST_HEADER = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?$/;
const IPV4_LOOPBACK = /^127(?:\.[0-9]{1,3}){3}$/;
const IPV4_IN_IPV6 = /^::ffff:(?=[0-9.]+$)/;

/** The host of a Host header without its port, in lower case; undefined when the header is none. */
export function parseHost(header: string): string | undefined {
  return HOST_HEADER.exec(header.toLowerCase())?.[1];
}

/** An address as it stands in a URL or Host header: `::1` becomes `[::1]`. */
export function hostOfAddress(address: string): string {
  const plain = address.toLowerCase().replace(IPV4_IN_IPV6, "");
  return plain.includes(":") && !plain.startsWith("[") ? `[${plain}]` : plain;
}

/** Whether only programs on this machine can be behind `host`. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || IPV4_LOOPBACK.test(host);
}

/** Whether `host` stands for all addresses of this machine. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "[::]";
}

/** The address by which programs on this machine reach what is bound to `address`. */
export function reachableAddress(address: string): string {
  // All addresses of this machine include its loopback.
  return isWildcard(hostOfAddress(address)) ? "127.0.0.1" : address;
}

/** Where programs on this machine find a server; without a slash at its end. */
export function reachableUrl({ host, port, tls }: { host: string; port: number; tls?: unknown }): string {
  return `${tls ? "https" : "http"}://${hostOfAddress(reachableAddress(host))}:${port}`;
}
