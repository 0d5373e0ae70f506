/** The oldest Node that will do. */
const NEEDED = { major: 22, minor: 15 };

/** In words, why this version of Node cannot run us; undefined when it can. */
export function versionProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > NEEDED.major || (major === NEEDED.major && minor >= NEEDED.minor)) return undefined;
  return `orchestra-otel needs Node ${NEEDED.major}.${NEEDED.minor} or later, this is ${version}`;
}
