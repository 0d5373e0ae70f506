import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { OtlpProtocol } from "./span-otlp.ts";
import { splitJson, splitProtobuf } from "./span-outbox-split.ts";

/**
 * One encoding of OTLP. Spans are encoded in small chunks as they come; a request is made of many chunks
 * without encoding them again, and can be taken apart into chunks of one span each.
 */
export interface SpanCodec {
  readonly contentType: string;
  encode(spans: ReadableSpan[]): Uint8Array;
  join(chunks: readonly Uint8Array[]): Uint8Array;
  /** @throws when the request is none of this encoding */
  split(request: Uint8Array): Uint8Array[];
}

export interface SpanCodecs extends Record<OtlpProtocol, SpanCodec> {
  /**
   * What a receiver says of a request that it took.
   * @throws when the body is no reply of OTLP
   */
  readSuccess(contentType: string, body: Uint8Array): PartialSuccess;
}

/** https://opentelemetry.io/docs/specs/otlp/#partial-success-1 */
interface PartialSuccess {
  /** A number of 64 bits, which JSON carries as text. */
  readonly rejectedSpans?: number | string | undefined;
  readonly errorMessage?: string | undefined;
}

const OPEN = Buffer.from('{"resourceSpans":[');
const COMMA = Buffer.from(",");
const CLOSE = Buffer.from("]}");

/** Loads the serializers, and only now. */
export async function loadSpanCodecs(): Promise<SpanCodecs> {
  const { JsonTraceSerializer, ProtobufTraceSerializer } = await import("@opentelemetry/otlp-transformer");
  return {
    "http/json": {
      contentType: "application/json",
      // A chunk is the inside of the array, which is all that a request consists of.
      encode: (spans) => {
        const request = JsonTraceSerializer.serializeRequest(spans) as Uint8Array;
        return request.subarray(OPEN.length, -CLOSE.length);
      },
      join: (chunks) =>
        Buffer.concat([OPEN, ...chunks.flatMap((chunk, i) => (i === 0 ? [chunk] : [COMMA, chunk])), CLOSE]),
      split: splitJson,
    },
    "http/protobuf": {
      contentType: "application/x-protobuf",
      encode: (spans) => ProtobufTraceSerializer.serializeRequest(spans) as Uint8Array,
      // The request's only field is repeated, and such messages are merged by writing them in a row:
      // https://protobuf.dev/programming-guides/encoding/#last-one-wins
      join: (chunks) => Buffer.concat(chunks),
      split: splitProtobuf,
    },
    readSuccess: (contentType, body) => {
      if (body.length === 0) return {};
      // A captive portal or a wrong server; to believe it would lose the spans for good.
      if (/^text\/html\b/.test(contentType)) throw new Error("Expected a reply of OTLP, got a page");
      if (/^application\/json\b/.test(contentType)) return readJson(body);
      if (!/^application\/x-protobuf\b/.test(contentType)) return {};
      return ProtobufTraceSerializer.deserializeResponse(body).partialSuccess ?? {};
    },
  };
}

/** Unlike the serializer's own, not forgiving: half a reply is none. */
function readJson(body: Uint8Array): PartialSuccess {
  const reply = JSON.parse(Buffer.from(body).toString()) as { partialSuccess?: PartialSuccess | null } | null;
  return reply?.partialSuccess ?? {};
}
