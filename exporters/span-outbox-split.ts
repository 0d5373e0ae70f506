/** A repeated field of each message on the way from a trace request down to its spans. */
const WAY_TO_SPANS = [1, 2, 2];
/** Of the fields on that way and beside it, all are of the wire type that has a length. */
const LENGTH_DELIMITED = 2;

interface JsonRequest {
  resourceSpans: { scopeSpans: { spans: object[] }[] }[];
}

interface Field {
  readonly number: number;
  readonly value: Uint8Array;
  /** The value with its tag and length. */
  readonly whole: Uint8Array;
}

/**
 * The spans of an OTLP request in JSON, each as an element of `resourceSpans` of its own.
 * @throws when it is no such request
 */
export function splitJson(request: Uint8Array): Uint8Array[] {
  const { resourceSpans } = JSON.parse(Buffer.from(request).toString()) as JsonRequest;
  return resourceSpans.flatMap((resource) =>
    resource.scopeSpans.flatMap((scope) =>
      scope.spans.map((span) =>
        Buffer.from(JSON.stringify({ ...resource, scopeSpans: [{ ...scope, spans: [span] }] })),
      ),
    ),
  );
}

/**
 * The spans of an OTLP request in protobuf, each as a request of its own.
 * https://protobuf.dev/programming-guides/encoding/
 * @throws when it is no such request
 */
export function splitProtobuf(request: Uint8Array): Uint8Array[] {
  return partsOf(request, WAY_TO_SPANS);
}

/** The message once for each element at the end of the way, with all that stands beside the way. */
function partsOf(message: Uint8Array, [next, ...way]: readonly number[]): Uint8Array[] {
  if (next === undefined) return [message];
  const fields = fieldsOf(message);
  const beside = fields.filter(({ number }) => number !== next).map(({ whole }) => whole);
  return fields
    .filter(({ number }) => number === next)
    .flatMap(({ value }) => partsOf(value, way))
    .map((part) => Buffer.concat([...beside, head(next, part.length), part]));
}

function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let start = 0; start < message.length; ) {
    const tag = message[start] as number;
    const { length, size } = lengthAt(message, start + 1);
    const valueAt = start + 1 + size;
    const end = valueAt + length;
    if ((tag & 7) !== LENGTH_DELIMITED || end > message.length) throw new Error("Not a trace request");
    fields.push({
      number: tag >> 3,
      value: message.subarray(valueAt, end),
      whole: message.subarray(start, end),
    });
    start = end;
  }
  return fields;
}

/** A number written in groups of seven bits, the lowest first. */
function lengthAt(message: Uint8Array, start: number): { length: number; size: number } {
  let length = 0;
  let size = 0;
  for (let hasMore = true; hasMore; size++) {
    const byte = message[start + size] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * size);
    hasMore = byte > 0x7f;
  }
  return { length, size };
}

/** Tag and length of a field whose number is below 16. */
function head(number: number, length: number): Uint8Array {
  const bytes = [(number << 3) | LENGTH_DELIMITED];
  let rest = length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}
