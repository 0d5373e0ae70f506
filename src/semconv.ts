/**
 * Every attribute, span and event name this library emits, with its source; nowhere else a literal.
 * GenAI names are at Development status and their npm constants are deprecated (the conventions moved
 * to open-telemetry/semantic-conventions-genai), so the strings stand here.
 */
export {};
