/** W3C trace context, version 00: https://www.w3.org/TR/trace-context/#traceparent-header */
export const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
