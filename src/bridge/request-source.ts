import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { hostOfAddress, isLoopback, parseHost } from "./host-name.ts";

// What a request tells of where it comes from. All of it works for HTTP/2, too, whose requests have only
// some of the properties that those of HTTP/1.1 have.

/** What a proxy adds to what it sends on; RFC 7239, RFC 9110 (section 7.6.3), and custom. */
const FORWARDING =
  /^(?:forwarded|via|(?:x-)?true-client-ip|x-(?:real|client|cluster-client)-ip|cf-.*|x-(?:forwarded|original|envoy)-.*)$/;
/** The half of an IPv6 address that its owner cannot choose. */
const NETWORK_GROUPS = 4;

/**
 * The one host, and perhaps port, that a request is addressed to, as it stands there; undefined when
 * there is none, or several. HTTP/2 has `:authority`, which a `Host` beside it must not contradict.
 */
export function authorityOf({ rawHeaders }: IncomingMessage): string | undefined {
  const hosts = valuesOf(rawHeaders, "host");
  const [authority = hosts[0]] = valuesOf(rawHeaders, ":authority");
  return hosts.length > 1 || (hosts.length === 1 && hosts[0] !== authority) ? undefined : authority;
}

/** The host without its port; undefined when there is none, several, or one that is no host name. */
export function hostOf(request: IncomingMessage): string | undefined {
  return parseHost(authorityOf(request) ?? "");
}

/** The address the request came in by; pages cannot make a browser send an address that is not theirs. */
export function localHostOf({ socket }: IncomingMessage): string {
  return hostOfAddress(socket.localAddress ?? "");
}

export function portOf({ socket }: IncomingMessage): number {
  return socket.localPort ?? 0;
}

export function isEncrypted({ socket }: IncomingMessage): boolean {
  return (socket as TLSSocket).encrypted === true;
}

export function isForwarded({ headers }: IncomingMessage): boolean {
  return Object.keys(headers).some((name) => FORWARDING.test(name));
}

/** Whether a program on this machine sent it, and for itself as far as can be told. */
export function isFromHere(request: IncomingMessage): boolean {
  return isLoopback(hostOfAddress(request.socket.remoteAddress ?? "")) && !isForwarded(request);
}

/**
 * Who is to be counted as one sender: an IPv4 address, or the network that an IPv6 address is from, as whoever
 * has one of its addresses has all of them. Whom a proxy serves only the proxy can tell apart.
 */
export function senderOf(request: IncomingMessage): string {
  const host = hostOfAddress(request.socket.remoteAddress ?? "");
  const network = host.startsWith("[") ? networkOf(host.slice(1, -1)) : host;
  return isForwarded(request) ? `${network} for others` : network;
}

function networkOf(address: string): string {
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const groups = head === "" ? [] : head.split(":");
  const end = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(Math.max(0, 8 - groups.length - end.length)).fill("0");
  return [...groups, ...zeros, ...end].slice(0, NETWORK_GROUPS).join(":");
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}
