import {
  type FieldCandidates,
  type FieldName,
  JsonElements,
  type JsonFieldSearch,
  JsonFields,
  type JsonStep,
  JsonText,
  type Message,
  type MessageCodec,
  ProtobufBytes,
  type ProtobufFields,
  parseWritten,
  rawTextOf,
} from '@laminar/codecs';
import type { DecodedMessage } from '../contract.js';

/** A message, decoded by its connection's codec as far as pipelines ask for it, and once for all of them. */
export function decodedMessage(message: Message, codec: MessageCodec): DecodedMessage {
  const { fields } = codec;
  if (fields === undefined) return codec.stepsTo ? new DecodedAround(message, codec) : new Decoded(message, codec);
  return fields instanceof JsonFields
    ? new DecodedJson(message, codec, fields)
    : new DecodedProtobuf(message, codec, fields);
}

class Decoded implements DecodedMessage {
  #value: unknown;

  constructor(
    readonly message: Message,
    readonly codec: MessageCodec,
  ) {}

  value(): unknown {
    if (this.#value === undefined) this.#value = this.codec.decode(this.message.data, this.message);
    return this.#value;
  }

  /** Whether the message was decoded whole. */
  get isWhole(): boolean {
    return this.#value !== undefined;
  }

  check(): void {
    this.value();
  }

  field(name: FieldName): unknown {
    return memberOf(this.value(), name);
  }

  written(name: FieldName): unknown {
    return this.field(name);
  }

  fieldText(_name: FieldName): string | undefined {
    return undefined;
  }

  rawText(name: FieldName): string | undefined {
    return this.fieldText(name);
  }

  rawTextWithin(_name: FieldName | undefined, _steps: readonly JsonStep[]): string | undefined {
    return undefined;
  }

  elements(_name: FieldName | undefined, _steps: readonly JsonStep[]): JsonElements | undefined {
    return undefined;
  }

  rawPayload(): undefined {
    return undefined;
  }

  memberCount(): undefined {
    return undefined;
  }

  candidates(_search: JsonFieldSearch): FieldCandidates | undefined {
    return undefined;
  }
}

/** Some of its members stand in the payload, which may be JSON. */
class DecodedAround extends Decoded {
  #text: JsonText | undefined;

  override rawText(name: FieldName): string | undefined {
    return this.rawTextWithin(name, []);
  }

  override rawTextWithin(name: FieldName | undefined, steps: readonly JsonStep[]): string | undefined {
    const before = this.#stepsTo(name);
    return before && rawTextOf(this.#json(), [...before, ...steps]);
  }

  override elements(name: FieldName | undefined, steps: readonly JsonStep[]): JsonElements | undefined {
    const before = this.#stepsTo(name);
    return before && JsonElements.of(this.#json(), [...before, ...steps]);
  }

  #stepsTo(name: FieldName | undefined): readonly JsonStep[] | undefined {
    return name && this.codec.stepsTo?.(name.text, this.message);
  }

  #json(): JsonText {
    this.check();
    this.#text ??= new JsonText(this.message.data);
    return this.#text;
  }
}

/** Fields are decoded one by one until a query asks for the whole value. */
class DecodedProtobuf extends Decoded {
  readonly #bytes: ProtobufBytes;

  constructor(
    message: Message,
    codec: MessageCodec,
    readonly fields: ProtobufFields,
  ) {
    super(message, codec);
    this.#bytes = new ProtobufBytes(message.data);
  }

  override check(): void {
    if (!this.#readsFields()) this.value();
  }

  override field(name: FieldName): unknown {
    return this.#readsFields() ? this.fields.value(name) : super.field(name);
  }

  override fieldText(name: FieldName): string | undefined {
    return this.#readsFields() ? this.fields.canonicalText(name) : undefined;
  }

  override candidates({ name }: JsonFieldSearch): FieldCandidates | undefined {
    return this.isWhole ? undefined : this.fields.candidates(this.#bytes, name);
  }

  #readsFields(): boolean {
    return !this.isWhole && this.fields.read(this.#bytes);
  }
}

/** Fields are read from the bytes until a query asks for the whole value. */
class DecodedJson implements DecodedMessage {
  readonly #text: JsonText;
  #value: unknown;

  constructor(
    readonly message: Message,
    readonly codec: MessageCodec,
    readonly fields: JsonFields,
  ) {
    this.#text = new JsonText(message.data);
  }

  value(): unknown {
    if (this.#value === undefined) this.#value = this.codec.decode(this.message.data, this.message);
    return this.#value;
  }

  check(): void {
    if (!this.#readsFields()) this.value();
  }

  field(name: FieldName): unknown {
    return this.#readsFields() ? this.fields.value(name) : memberOf(this.value(), name);
  }

  written(name: FieldName): unknown {
    if (this.fields.read(this.#text)) return this.fields.written(name);
    // What is no JSON fails here as it does everywhere.
    this.value();
    return memberOf(parseWritten(this.message.data), name);
  }

  fieldText(name: FieldName): string | undefined {
    return this.#readsFields() ? this.fields.canonicalText(name) : undefined;
  }

  rawText(name: FieldName): string | undefined {
    // What goes out must not depend on whether another query had the message read whole.
    return this.fields.read(this.#text) ? this.fields.rawText(name) : undefined;
  }

  rawTextWithin(name: FieldName | undefined, steps: readonly JsonStep[]): string | undefined {
    if (name) return this.fields.read(this.#text) ? this.fields.rawTextWithin(name, steps) : undefined;
    this.check();
    return rawTextOf(this.#text, steps);
  }

  elements(name: FieldName | undefined, steps: readonly JsonStep[]): JsonElements | undefined {
    if (name) return this.fields.read(this.#text) ? this.fields.elements(name, steps) : undefined;
    this.check();
    return JsonElements.of(this.#text, steps);
  }

  rawPayload(): Uint8Array | undefined {
    this.check();
    return this.message.data;
  }

  memberCount(): number | undefined {
    return this.#readsFields() ? this.fields.count : undefined;
  }

  candidates(search: JsonFieldSearch): FieldCandidates | undefined {
    // A message that another query had read is read.
    if (this.#value !== undefined) return undefined;
    const exact = this.fields.exactly(this.#text, search);
    if (exact || this.fields.holds(this.#text)) return exact;
    return search.search(this.#text) ? search : undefined;
  }

  #readsFields(): boolean {
    return this.#value === undefined && this.fields.read(this.#text);
  }
}

function memberOf(value: unknown, { text }: FieldName): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, text))
    return undefined;
  return (value as { readonly [name: string]: unknown })[text];
}
