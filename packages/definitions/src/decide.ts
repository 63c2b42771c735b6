import type { Kind } from '@laminar/protocol';
import { type Catalog, type NameSpace, nameSpaceOf } from './catalog.js';
import type { Command, DecidedEvent, DraftOfKind } from './command.js';
import { connectionConflicts } from './connection/conflicts.js';
import type {
  ConnectionDefinition,
  DefinitionOfKind,
  FunctionDefinition,
  PipelineDefinition,
  Recorded,
  SecretDefinition,
  TableDefinition,
} from './definition.js';
import { sameData } from './equal.js';
import { DefinitionRejected } from './errors.js';
import type { DefinitionEventBody } from './event.js';
import { recursionOf } from './function/recursion.js';
import { nearestName, reservedNames } from './names.js';
import { feedsItself, type OwnBus } from './pipeline/feedback.js';
import { isSoleWriter } from './pipeline/own-reader.js';

/**
 * The events that a command comes to, in the order to append them; none where nothing would change. `bus` is the one that the events are for.
 * Throws `DefinitionRejected`.
 */
export function decide(command: Command, catalog: Catalog, bus: OwnBus): DecidedEvent[] {
  const current = catalog.get(command.kind, command.name);
  checkReadable(command.kind, command.name, catalog);
  checkExpectedRevision(command, current);
  switch (command.type) {
    case 'Create':
      if (current)
        throw new DefinitionRejected('already_exists', `there is a ${command.kind} "${command.name}" already`);
      return define(command, current, catalog, bus);
    case 'Put':
      return define(command, current, catalog, bus);
    case 'Change':
      return define(command, existing(command, current, catalog), catalog, bus);
    case 'Drop':
      return drop(existing(command, current, catalog), command.cascade, catalog);
    case 'Start':
    case 'Stop':
      return setDesired(existing(command, current, catalog), command.type, catalog);
    case 'RollBack':
      return rollBack(command, existing(command, current, catalog), catalog, bus);
  }
}

type Define = Extract<Command, { type: 'Create' | 'Put' | 'Change' }>;

function define(command: Define, current: Recorded | undefined, catalog: Catalog, bus: OwnBus): DecidedEvent[] {
  checkName(command.kind, command.name, catalog);
  const definition = complete(command, current);
  if (current && sameData(current.definition, definition)) return [];
  checkReading(current, definition);
  checkAgainst(command.kind, command.name, definition, catalog, bus);
  return [event(catalog, command.kind, command.name, definedBody(command.kind, current !== undefined, definition))];
}

function complete(command: Define, current: Recorded | undefined): DefinitionOfKind[Kind] {
  if (command.kind !== 'pipeline') return command.definition;
  const draft: DraftOfKind['pipeline'] = command.definition;
  const before = current?.definition as PipelineDefinition | undefined;
  return { ...draft, desired: draft.desired ?? before?.desired ?? 'running' };
}

function definedBody(kind: Kind, exists: boolean, definition: DefinitionOfKind[Kind]): DefinitionEventBody {
  if (kind === 'connection') {
    return { type: exists ? 'ConnectionChanged' : 'ConnectionCreated', definition: definition as ConnectionDefinition };
  }
  if (kind === 'table')
    return { type: exists ? 'TableChanged' : 'TableCreated', definition: definition as TableDefinition };
  if (kind === 'function')
    return { type: exists ? 'FunctionChanged' : 'FunctionCreated', definition: definition as FunctionDefinition };
  if (kind === 'secret')
    return { type: exists ? 'SecretChanged' : 'SecretCreated', definition: definition as SecretDefinition };
  return { type: exists ? 'PipelineChanged' : 'PipelineCreated', definition: definition as PipelineDefinition };
}

/** Dependents go first, so that no event leaves a definition behind that names something dropped. */
function drop(record: Recorded, cascade: boolean, catalog: Catalog): DecidedEvent[] {
  checkUnnamed(record, catalog);
  const dependents = catalog.dependents(record.name, nameSpaceOf(record.kind));
  if (dependents.length > 0 && !cascade) {
    const names = dependents.map(({ kind, name }) => `${kind} "${name}"`).join(', ');
    throw new DefinitionRejected(
      'in_use',
      `the ${record.kind} "${record.name}" is in use by ${names}; drop them first, or cascade`,
    );
  }
  return [...dependents, record].map(({ kind, name }) => event(catalog, kind, name, droppedBody(kind)));
}

/** What cannot be read may name anything that definitions of its kind name; whoever can read it knows. */
function checkUnnamed({ kind, name }: Recorded, catalog: Catalog): void {
  const space = nameSpaceOf(kind);
  for (const entry of catalog.quarantined.values()) {
    if (!entry.newer || space === undefined || !namedBy[space].includes(entry.kind)) continue;
    throw new DefinitionRejected(
      'conflict',
      `the ${kind} "${name}" cannot be dropped here: the ${entry.kind} "${entry.name}" may name it, and cannot be read (${entry.reason}); drop it by a service of that version`,
    );
  }
}

/** The kinds of definitions that name others in a name space. */
const namedBy: Record<NameSpace, readonly Kind[]> = {
  relation: ['table', 'pipeline'],
  function: ['pipeline', 'function'],
};

function droppedBody(kind: Kind): DefinitionEventBody {
  if (kind === 'connection') return { type: 'ConnectionDropped' };
  if (kind === 'function') return { type: 'FunctionDropped' };
  if (kind === 'secret') return { type: 'SecretDropped' };
  return kind === 'table' ? { type: 'TableDropped' } : { type: 'PipelineDropped' };
}

/** Someone asked for it, which the log keeps also where it changes nothing. */
function setDesired(record: Recorded, type: 'Start' | 'Stop', catalog: Catalog): DecidedEvent[] {
  return [event(catalog, 'pipeline', record.name, { type: type === 'Start' ? 'PipelineStarted' : 'PipelineStopped' })];
}

function rollBack(
  command: Extract<Command, { type: 'RollBack' }>,
  record: Recorded,
  catalog: Catalog,
  bus: OwnBus,
): DecidedEvent[] {
  const { desired } = record.definition as PipelineDefinition;
  const definition: PipelineDefinition = { ...command.definition, desired };
  checkReading(record, definition);
  checkAgainst('pipeline', command.name, definition, catalog, bus);
  return [
    event(catalog, 'pipeline', command.name, { type: 'PipelineRolledBack', toVersion: command.toVersion, definition }),
  ];
}

function event(catalog: Catalog, kind: Kind, name: string, body: DefinitionEventBody): DecidedEvent {
  return { kind, name, version: catalog.version(kind, name) + 1, body };
}

function existing(command: Command, current: Recorded | undefined, catalog: Catalog): Recorded {
  if (current) return current;
  const nearest = nearestName(
    command.name,
    Array.from(catalog.values(command.kind), ({ name }) => name),
  );
  const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  throw new DefinitionRejected('not_found', `there is no ${command.kind} "${command.name}"${hint}`);
}

/** Why nothing may be said of, or done to, what newer software wrote: it is there, and whatever was decided here would be decided without having seen it. */
export function writtenByNewer(kind: Kind, name: string, catalog: Catalog): DefinitionRejected | undefined {
  const entry = catalog.quarantineOf(kind, name);
  if (!entry?.newer) return undefined;
  return new DefinitionRejected('conflict', `the ${kind} "${name}" cannot be read here: ${entry.reason}`);
}

function checkReadable(kind: Kind, name: string, catalog: Catalog): void {
  const refusal = writtenByNewer(kind, name, catalog);
  if (refusal) throw refusal;
}

function checkExpectedRevision({ kind, name, expectedRevision }: Command, current: Recorded | undefined): void {
  if (expectedRevision === undefined || current?.revision === expectedRevision) return;
  const actual = current ? `is at revision ${current.revision}` : 'does not exist';
  throw new DefinitionRejected(
    'precondition_failed',
    `the ${kind} "${name}" ${actual}, not at revision ${expectedRevision}; read it again`,
  );
}

function checkName(kind: Kind, name: string, catalog: Catalog): void {
  if (reservedNames.has(name)) {
    const message = `the name "${name}" is reserved`;
    throw new DefinitionRejected('invalid', message, [{ code: 'reserved_name', message, pointer: '/name' }]);
  }
  const other = kind === 'connection' ? 'table' : kind === 'table' ? 'connection' : undefined;
  if (other) checkReadable(other, name, catalog);
  if (other && catalog.get(other, name)) {
    throw new DefinitionRejected(
      'already_exists',
      `there is a ${other} "${name}" already; connections and tables share their names`,
    );
  }
}

/** What a pipeline was read by before keeps its place in another form, which what it is read by from then on cannot take over. */
function checkReading(current: Recorded | undefined, definition: DefinitionOfKind[Kind]): void {
  if (current?.kind !== 'pipeline') return;
  const [before, after] = [current.definition, definition].map((each) => (each as PipelineDefinition).options);
  if (!before || !after) return;
  const isOther = before.reader !== after.reader && (before.reader === 'own' || after.reader === 'own');
  if (!isOther && isSoleWriter(before) === isSoleWriter(after)) return;
  const message = `the pipeline "${current.name}" cannot change between a shared reader, one of its own, and exactly once as the only writer: its place in the stream would not go along, and rows would be lost or come twice; drop it and create it anew, its connection with the start that it shall have`;
  throw new DefinitionRejected('invalid', message, [
    { code: 'invalid_option', message, pointer: isOther ? '/options/reader' : '/options/delivery' },
  ]);
}

function checkAgainst(
  kind: Kind,
  name: string,
  definition: DefinitionOfKind[Kind],
  catalog: Catalog,
  bus: OwnBus,
): void {
  if (kind === 'connection') {
    const conflict = connectionConflicts(name, definition as ConnectionDefinition, catalog);
    if (conflict !== undefined) throw new DefinitionRejected('conflict', conflict);
  }
  if (kind === 'table' && (definition as TableDefinition).connector === name) {
    const message = `the table "${name}" cannot be over itself; name the connection that it reads`;
    throw new DefinitionRejected('invalid', message, [{ code: 'not_a_source', message, pointer: '/connector' }]);
  }
  if (kind === 'function') {
    const message = recursionOf(name, definition as FunctionDefinition, catalog);
    if (message === undefined) return;
    throw new DefinitionRejected('invalid', message, [{ code: 'recursive_function', message, pointer: '/body' }]);
  }
  const loop = feedsItself(kind, name, definition, catalog, bus);
  if (loop !== undefined) {
    throw new DefinitionRejected('invalid', loop, [{ code: 'feedback_loop', message: loop }]);
  }
}
