import { type Kind, laminar, parseDefinitionKey } from '@laminar/protocol';
import type { Catalog } from './catalog.js';
import { connectionIssues } from './connection/validate.js';
import type {
  ConnectionDefinition,
  FunctionDefinition,
  FunctionLanguage,
  PipelineDefinition,
  SecretDefinition,
  TableDefinition,
} from './definition.js';
import type { Issue } from './errors.js';
import type { DefinitionEvent, DefinitionEventBody, RecordedEvent } from './event.js';
import { functionIssues } from './function/validate.js';
import { decodeOptions, encodeOptions } from './option-codec.js';
import { pipelineIssues } from './pipeline/validate.js';
import { tableIssues } from './table/validate.js';

const Proto = laminar.v1.DefinitionEvent;
const Desired = laminar.v1.Desired;
type ProtoProperties = laminar.v1.DefinitionEvent.$Properties;

/** Events of a newer schema are quarantined by those who do not know it. */
const schemaVersion = 1;

/** An entry of the log that says nothing this program can rely on. */
export class EventUnreadable extends Error {
  override readonly name = 'EventUnreadable';
}

/** An entry of the log that newer software can read: nothing is wrong with it, and nothing here may replace it. */
class EventNewer extends EventUnreadable {}

/** The stored form: protobuf `laminar.v1.DefinitionEvent`. */
export function encodeEvent(event: DefinitionEvent): Uint8Array {
  const properties: ProtoProperties = {
    schemaVersion,
    eventId: event.eventId,
    name: event.name,
    version: event.version,
    atUnixMs: event.at,
    actor: event.actor,
    traceparent: event.traceparent,
    ...encodeBody(event.body),
  };
  return Proto.encode(properties).finish();
}

/** Reads an entry of the log and checks all of it; throws `EventUnreadable` with the reason. */
export function decodeEvent(key: string, revision: number, data: Uint8Array): RecordedEvent {
  const parts = parseDefinitionKey(key);
  if (!parts) throw new EventUnreadable(`"${key}" is not the key of a definition event`);
  let message: laminar.v1.DefinitionEvent;
  try {
    message = Proto.decode(data);
  } catch (error) {
    throw new EventUnreadable(`the event is corrupt: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (message.schemaVersion > schemaVersion) {
    throw new EventNewer(
      `the event was written by a newer version of the software (schema ${message.schemaVersion}, known is ${schemaVersion}); upgrade this service`,
    );
  }
  if (message.schemaVersion !== schemaVersion || message.eventId === '')
    throw new EventUnreadable('the event is corrupt: its head is missing');
  const body = decodeBody(message, data);
  if (kindOf(body) !== parts.kind || message.name !== parts.name || message.version !== parts.version) {
    throw new EventUnreadable(
      `the event says ${kindOf(body)}.${message.name}, version ${message.version}, which is not its key "${key}"`,
    );
  }
  return {
    eventId: message.eventId,
    ...parts,
    at: Number(message.atUnixMs),
    actor: message.actor,
    traceparent: message.traceparent,
    body,
    revision,
  };
}

/**
 * Folds one entry of the log into the catalog: applied, or quarantined where it cannot be read. The event,
 * or undefined where there was none to read.
 */
export function foldStoredEvent(
  catalog: Catalog,
  stored: { readonly key: string; readonly revision: number; readonly data: Uint8Array },
): RecordedEvent | undefined {
  try {
    const event = decodeEvent(stored.key, stored.revision, stored.data);
    catalog.apply(event);
    return event;
  } catch (error) {
    if (!(error instanceof EventUnreadable)) throw error;
    const parts = parseDefinitionKey(stored.key);
    if (parts)
      catalog.quarantine({
        ...parts,
        revision: stored.revision,
        reason: error.message,
        newer: error instanceof EventNewer,
      });
    else catalog.advance(stored.revision);
    return undefined;
  }
}

function encodeBody(body: DefinitionEventBody): ProtoProperties {
  switch (body.type) {
    case 'ConnectionCreated':
      return { connectionCreated: encodeConnection(body.definition) };
    case 'ConnectionChanged':
      return { connectionChanged: encodeConnection(body.definition) };
    case 'ConnectionDropped':
      return { connectionDropped: {} };
    case 'TableCreated':
      return { tableCreated: encodeTable(body.definition) };
    case 'TableChanged':
      return { tableChanged: encodeTable(body.definition) };
    case 'TableDropped':
      return { tableDropped: {} };
    case 'PipelineCreated':
      return { pipelineCreated: encodePipeline(body.definition) };
    case 'PipelineChanged':
      return { pipelineChanged: encodePipeline(body.definition) };
    case 'PipelineStarted':
      return { pipelineStarted: {} };
    case 'PipelineStopped':
      return { pipelineStopped: {} };
    case 'PipelineRolledBack':
      return { pipelineRolledBack: { toVersion: body.toVersion, definition: encodePipeline(body.definition) } };
    case 'PipelineDropped':
      return { pipelineDropped: {} };
    case 'FunctionCreated':
      return { functionCreated: encodeFunction(body.definition) };
    case 'FunctionChanged':
      return { functionChanged: encodeFunction(body.definition) };
    case 'FunctionDropped':
      return { functionDropped: {} };
    case 'SecretCreated':
      return { secretCreated: { valueId: body.definition.valueId } };
    case 'SecretChanged':
      return { secretChanged: { valueId: body.definition.valueId } };
    case 'SecretDropped':
      return { secretDropped: {} };
  }
}

function decodeBody(message: laminar.v1.DefinitionEvent, data: Uint8Array): DefinitionEventBody {
  if (message.connectionCreated)
    return { type: 'ConnectionCreated', definition: decodeConnection(message.connectionCreated) };
  if (message.connectionChanged)
    return { type: 'ConnectionChanged', definition: decodeConnection(message.connectionChanged) };
  if (message.connectionDropped) return { type: 'ConnectionDropped' };
  if (message.tableCreated) return { type: 'TableCreated', definition: decodeTable(message.tableCreated) };
  if (message.tableChanged) return { type: 'TableChanged', definition: decodeTable(message.tableChanged) };
  if (message.tableDropped) return { type: 'TableDropped' };
  if (message.pipelineCreated) return { type: 'PipelineCreated', definition: decodePipeline(message.pipelineCreated) };
  if (message.pipelineChanged) return { type: 'PipelineChanged', definition: decodePipeline(message.pipelineChanged) };
  if (message.pipelineStarted) return { type: 'PipelineStarted' };
  if (message.pipelineStopped) return { type: 'PipelineStopped' };
  if (message.pipelineRolledBack) {
    const { toVersion, definition } = message.pipelineRolledBack;
    return { type: 'PipelineRolledBack', toVersion: toVersion ?? 0, definition: decodePipeline(definition ?? {}) };
  }
  if (message.pipelineDropped) return { type: 'PipelineDropped' };
  if (message.functionCreated) return { type: 'FunctionCreated', definition: decodeFunction(message.functionCreated) };
  if (message.functionChanged) return { type: 'FunctionChanged', definition: decodeFunction(message.functionChanged) };
  if (message.functionDropped) return { type: 'FunctionDropped' };
  if (message.secretCreated) return { type: 'SecretCreated', definition: decodeSecret(message.secretCreated) };
  if (message.secretChanged) return { type: 'SecretChanged', definition: decodeSecret(message.secretChanged) };
  if (message.secretDropped) return { type: 'SecretDropped' };
  // What is not known is left out of what was decoded, so that this is shorter.
  if (Proto.encode(message).finish().length < data.length) {
    throw new EventNewer(
      'the event is of a type that is not known here, as a newer version of the software writes it; upgrade this service',
    );
  }
  throw new EventUnreadable('the event is corrupt: it says nothing of what happened');
}

function kindOf(body: DefinitionEventBody): Kind {
  if (body.type.startsWith('Connection')) return 'connection';
  if (body.type.startsWith('Function')) return 'function';
  if (body.type.startsWith('Secret')) return 'secret';
  return body.type.startsWith('Table') ? 'table' : 'pipeline';
}

/** The definition of a connection as messages carry it. */
export const encodeConnection = ({ connector, options }: ConnectionDefinition) => ({
  connector,
  options: encodeOptions(options),
});

/** The definition that a message carries. Throws `EventUnreadable` where it does not hold. */
export function decodeConnection(message: laminar.v1.ConnectionDefinition.$Properties): ConnectionDefinition {
  if (message.connector !== 'nats') throw new EventUnreadable(`there is no connector "${message.connector ?? ''}"`);
  const definition: ConnectionDefinition = { connector: 'nats', options: decodeOptions(message.options ?? {}) };
  refuseIssues(connectionIssues(definition));
  return definition;
}

const encodeTable = ({ connector, columns, options }: TableDefinition) => ({
  connector,
  columns: columns.map(({ name, type }) => ({ name, type })),
  options: encodeOptions(options),
});

function decodeTable(message: laminar.v1.TableDefinition.$Properties): TableDefinition {
  const definition: TableDefinition = {
    connector: message.connector ?? '',
    columns: (message.columns ?? []).map(({ name, type }) => ({ name: name ?? '', type: type ?? '' })),
    options: decodeOptions(message.options ?? {}),
  };
  refuseIssues(tableIssues(definition));
  return definition;
}

const encodePipeline = ({ query, desired, options, reads, writes, calls }: PipelineDefinition) => ({
  query,
  desired: desired === 'running' ? Desired.DESIRED_RUNNING : Desired.DESIRED_STOPPED,
  options: encodeOptions(options),
  reads: [...reads],
  calls: [...calls],
  ...(writes === undefined ? {} : { writes }),
});

function decodePipeline(message: laminar.v1.PipelineDefinition.$Properties): PipelineDefinition {
  if (message.desired !== Desired.DESIRED_RUNNING && message.desired !== Desired.DESIRED_STOPPED) {
    throw new EventUnreadable('the pipeline is neither desired running nor stopped');
  }
  const definition: PipelineDefinition = {
    query: message.query ?? '',
    desired: message.desired === Desired.DESIRED_RUNNING ? 'running' : 'stopped',
    options: decodeOptions(message.options ?? {}),
    reads: [...(message.reads ?? [])],
    writes: message.writes === '' || message.writes === null ? undefined : message.writes,
    calls: [...(message.calls ?? [])],
  };
  refuseIssues(pipelineIssues(definition));
  return definition;
}

const encodeFunction = ({ arguments: columns, returns, language, body, calls }: FunctionDefinition) => ({
  arguments: columns.map(({ name, type }) => ({ name, type })),
  returns,
  language,
  body,
  calls: [...calls],
});

function decodeFunction(message: laminar.v1.FunctionDefinition.$Properties): FunctionDefinition {
  const definition: FunctionDefinition = {
    arguments: (message.arguments ?? []).map(({ name, type }) => ({ name: name ?? '', type: type ?? '' })),
    returns: message.returns ?? '',
    // `functionIssues` refuses what is none.
    language: (message.language ?? '') as FunctionLanguage,
    body: message.body ?? '',
    calls: [...(message.calls ?? [])],
  };
  refuseIssues(functionIssues(definition));
  return definition;
}

function decodeSecret({ valueId }: laminar.v1.SecretDefinition.$Properties): SecretDefinition {
  // It becomes a part of a key of a bucket.
  if (!valueId || !/^[A-Za-z0-9-]{1,64}$/.test(valueId))
    throw new EventUnreadable('the secret has no value that could be found');
  return { valueId };
}

function refuseIssues(issues: readonly Issue[]): void {
  const [first] = issues;
  if (first) throw new EventUnreadable(`the definition does not hold: ${first.message}`);
}
