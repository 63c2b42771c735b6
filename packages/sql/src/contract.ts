import type { FieldCandidates, FieldName, JsonElements, JsonFieldSearch, JsonStep, Message } from '@laminar/codecs';
import type { ColumnDefinition, Options } from '@laminar/definitions';
import type { DefinedKind } from '@laminar/protocol';
import type { CallResults } from './calls.js';
import type { ExplainedAs } from './statements/explain.js';
import type { WarningCode } from './warning-codes.js';

/** Where parts of a definition stand, by their pointers in it, such as `/columns/0/type`; code points into the script. */
export interface StatementPlaces {
  readonly [pointer: string]: number;
}

/** One statement of a script. `offset` (code points into the script) is where it begins, `text` its own text without the `;`. */
export type Statement = { readonly offset: number; readonly text: string } & (
  | {
      readonly type: 'create_connection';
      readonly name: string;
      readonly places: StatementPlaces;
      readonly orReplace: boolean;
      readonly ifNotExists: boolean;
      readonly connector: string;
      readonly options: Options;
      /** Where each option's name stands, for errors; code points into the script. */
      readonly optionOffsets: { readonly [option: string]: number };
    }
  | {
      readonly type: 'create_table';
      readonly name: string;
      readonly places: StatementPlaces;
      readonly orReplace: boolean;
      readonly ifNotExists: boolean;
      readonly columns: readonly ColumnDefinition[];
      readonly options: Options;
      readonly optionOffsets: { readonly [option: string]: number };
    }
  | {
      readonly type: 'create_pipeline';
      readonly name: string;
      readonly places: StatementPlaces;
      readonly orReplace: boolean;
      readonly ifNotExists: boolean;
      readonly options: Options;
      readonly optionOffsets: { readonly [option: string]: number };
      readonly query: string;
      /** Where `query` begins, code points into the script. */
      readonly queryOffset: number;
    }
  | {
      readonly type: 'create_function';
      readonly name: string;
      readonly places: StatementPlaces;
      readonly orReplace: boolean;
      readonly arguments: readonly ColumnDefinition[];
      readonly returns: string;
      readonly language: string;
      readonly body: string;
      /** Where a place of the body stands, both in code points: a quoted body has some characters twice. */
      placeInBody(offset: number): number;
    }
  | {
      readonly type: 'alter';
      readonly kind: Exclude<DefinedKind, 'function'>;
      readonly name: string;
      /** Where the name stands, here and in those below: code points into the script. */
      readonly nameOffset: number;
      readonly options: Options;
      readonly optionOffsets: { readonly [option: string]: number };
    }
  | { readonly type: 'start_pipeline' | 'stop_pipeline'; readonly name: string; readonly nameOffset: number }
  | {
      readonly type: 'drop';
      readonly kind: DefinedKind;
      readonly name: string;
      readonly nameOffset: number;
      readonly ifExists: boolean;
      readonly cascade: boolean;
    }
  | { readonly type: 'show'; readonly kind: DefinedKind }
  | { readonly type: 'describe'; readonly name: string; readonly nameOffset: number }
  | {
      /** `SELECT test_connection('name')`. */
      readonly type: 'test_connection';
      readonly name: string;
      readonly nameOffset: number;
    }
  | { readonly type: 'explain'; readonly query: string; readonly queryOffset: number; readonly as: ExplainedAs }
  | {
      /** A SELECT on its own: over `system.*` (the query service answers), or over relations (a live query). */
      readonly type: 'select';
      readonly query: string;
      readonly queryOffset: number;
      readonly over: 'system' | 'relations';
    }
);

/** Something that is accepted and may need attention. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
}

/** What binding a query against relations came to. Errors are thrown as `SqlError`. */
export type Bound =
  | { readonly status: 'bound'; readonly query: BoundQuery; readonly warnings: readonly Warning[] }
  /** Something that the query names is not there yet; binding again later may succeed. */
  | { readonly status: 'blocked'; readonly reason: string; readonly warnings: readonly Warning[] };

/** The relations and functions of users that a query names, whether or not they exist. */
export interface QueryReferences {
  readonly reads: readonly string[];
  readonly writes: string | undefined;
  readonly calls: readonly string[];
}

/** A query whose every name and type is settled. Opaque to all but `compileQuery`, save for these facts. */
export interface BoundQuery extends QueryReferences {
  /** The source connections whose messages it processes: several where UNION ALL reads several. In the order in which they stand there. */
  readonly connections: readonly string[];
  /** The sink connection, or undefined for the pipeline's own output subject, and where it replies. */
  readonly sink: string | undefined;
  /** Its rows are replies to requests, on the connection that they came from. */
  readonly replies: boolean;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Reads `_nats_delivered`, so that a redelivery is another input. */
  readonly readsDelivered: boolean;
  /** It calls functions whose results are not there at once, so that `process` may throw `PendingCall`. */
  readonly awaitsCalls: boolean;
  /** Functions that are asked over the mesh's bus, whose answers may differ from time to time. */
  readonly asks: readonly string[];
  /** The same message always gives the same rows (no NOW(), no `_nats_delivered`, no function that is asked). */
  readonly deterministic: boolean;
}

/** One row, ready to be published. `subject` and `headers` are set by an envelope only. */
export interface OutputRow {
  readonly data: Uint8Array;
  readonly subject: string | undefined;
  readonly headers: { readonly [name: string]: readonly string[] } | undefined;
}

/** One function per pipeline and connection, made once. */
export interface CompiledQuery {
  /**
   * The rows that a message gives, in order; none where it is filtered out, and then it may stay unread but for what the filter needs. Calls for one message share one
   * decode by way of `DecodedMessage`. Throws `RowError` (an expression), `DecodeError` (the message), or `PendingCall` where the query
   * awaits calls and `results` lacks some.
   */
  process(message: DecodedMessage, results?: CallResults): readonly OutputRow[];
}

/** A message and what it decodes to; made once per message and handed to each pipeline over the connection. */
export interface DecodedMessage {
  readonly message: Message;
  /** The decoded payload; decoded at the first call, then kept. Throws `DecodeError`. */
  value(): unknown;
  /** Throws `DecodeError` where the message cannot be decoded. */
  check(): void;
  /** A top-level field of the payload, undefined where there is none; the others are not decoded where the format allows it. Throws `DecodeError`. */
  field(name: FieldName): unknown;
  /** The same, with numbers as the texts that they are written in where the format writes them, for those who want every digit. */
  written(name: FieldName): unknown;
  /** The field as JSON where it stands in the message just as it would be written; undefined elsewhere. Throws `DecodeError`. */
  fieldText(name: FieldName): string | undefined;
  /** The same, but where the message is JSON whose fields are read one by one it is every byte as it came, whatever that is. Throws `DecodeError`. */
  rawText(name: FieldName): string | undefined;
  /** What the steps lead to within the field, or without a name within the payload, every byte as it came, where the message is such JSON; undefined elsewhere. Throws `DecodeError`. */
  rawTextWithin(name: FieldName | undefined, steps: readonly JsonStep[]): string | undefined;
  /** Where the elements of an array stand that they lead to, where the message is such JSON; undefined elsewhere. Throws `DecodeError`. */
  elements(name: FieldName | undefined, steps: readonly JsonStep[]): JsonElements | undefined;
  /** The whole payload, every byte as it came, where it is such JSON; undefined elsewhere. Throws `DecodeError`. */
  rawPayload(): Uint8Array | undefined;
  /** How many members the payload has, where it is an object whose fields are read one by one; undefined elsewhere. Throws `DecodeError`. */
  memberCount(): number | undefined;
  /**
   * All values that a field may have, for a query that may do without decoding the message; undefined where that cannot be said, or decoding it is the cheaper way.
   * They count until the same search is asked for again.
   */
  candidates(search: JsonFieldSearch): FieldCandidates | undefined;
}
