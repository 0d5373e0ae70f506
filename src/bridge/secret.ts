import { createHash, timingSafeEqual } from "node:crypto";

/** Compares in a time that tells neither where the two differ nor how long either is. */
export function equalSecrets(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
