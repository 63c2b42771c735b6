import {
  type Catalog,
  DefinitionRejected,
  nearestName,
  type Options,
  type PipelineDefinition,
  type Recorded,
} from '@laminar/definitions';
import { type Command, type DraftOfKind, writtenByNewer } from '@laminar/definitions/decisions';
import type { DefinedKind, Kind } from '@laminar/protocol';
import { matches, noPreconditions, type Preconditions } from '../http/etag.js';
import { type BodyOfKind, definitionKinds } from './kinds.js';
import { mergePatch } from './merge-patch.js';
import { checkQuery } from './query-check.js';

/**
 * What a request wants of one definition. The command is made from the catalog that it is decided on, so that what it is merged
 * into or bound against cannot have changed in between.
 */
export interface Intent {
  readonly kind: Kind;
  readonly name: string;
  /** The command, or undefined where there is nothing to do. Throws where the catalog does not allow any. */
  command(catalog: Catalog): Command | undefined;
}

/** The name must be free, but for `ifNotExists`, which then leaves alone what there is. */
export function create<K extends DefinedKind>(
  kind: K,
  name: string,
  body: BodyOfKind[K],
  { preconditions = noPreconditions, ifNotExists = false } = {},
): Intent {
  return intent(kind, name, (catalog, current) => {
    if (current && ifNotExists) return undefined;
    if (!current) check(preconditions, kind, name, current);
    // A taken name is the news, whatever is wrong with the definition beside that.
    if (current) throw new DefinitionRejected('already_exists', `there is a ${kind} "${name}" already`);
    return define('Create', kind, name, definitionKinds[kind].settle(body, catalog, name));
  });
}

/** Made or replaced. */
export function put<K extends DefinedKind>(
  kind: K,
  name: string,
  body: BodyOfKind[K],
  preconditions: Preconditions = noPreconditions,
): Intent {
  return intent(kind, name, (catalog, current) => {
    check(preconditions, kind, name, current);
    return define('Put', kind, name, definitionKinds[kind].settle(body, catalog, name));
  });
}

/** A JSON merge patch of the body of what there is. */
export function patch<K extends DefinedKind>(
  kind: K,
  name: string,
  change: unknown,
  preconditions: Preconditions,
): Intent {
  return intent(kind, name, (catalog) => {
    const current = existing(kind, name, catalog);
    check(preconditions, kind, name, current);
    const body = definitionKinds[kind].read(mergePatch(definitionKinds[kind].bodyOf(current.definition), change));
    return define('Change', kind, name, definitionKinds[kind].settle(body, catalog, name));
  });
}

/** Sets some options of what there is; a table's `connector` counts as one, as in CREATE TABLE. */
export function setOptions<K extends Exclude<DefinedKind, 'function'>>(
  kind: K,
  name: string,
  options: Options,
): Intent {
  const { connector, ...others } = options;
  const change = kind === 'table' && connector !== undefined ? { connector, options: others } : { options };
  return patch(kind, name, change, noPreconditions);
}

export function drop(
  kind: Kind,
  name: string,
  { preconditions = noPreconditions, cascade = false, ifExists = false } = {},
): Intent {
  return intent(kind, name, (catalog, current) => {
    if (!current && ifExists) return undefined;
    check(preconditions, kind, name, existing(kind, name, catalog));
    return { type: 'Drop', kind, name, cascade };
  });
}

/** A secret has this value from now on, which is stored under `valueId` already. */
export const putSecret = (name: string, valueId: string): Intent =>
  intent('secret', name, () => define('Put', 'secret', name, { valueId }));

export function setDesired(
  type: 'Start' | 'Stop',
  name: string,
  preconditions: Preconditions = noPreconditions,
): Intent {
  return intent('pipeline', name, (catalog) => {
    check(preconditions, 'pipeline', name, existing('pipeline', name, catalog));
    return { type, kind: 'pipeline', name };
  });
}

/** `definition` is what the pipeline was at `toVersion`; it must hold in today's catalog. */
export function rollBack(
  name: string,
  toVersion: number,
  definition: PipelineDefinition,
  preconditions: Preconditions,
): Intent {
  return intent('pipeline', name, (catalog) => {
    check(preconditions, 'pipeline', name, existing('pipeline', name, catalog));
    checkQuery(definition.query, catalog);
    return { type: 'RollBack', kind: 'pipeline', name, toVersion, definition };
  });
}

function intent(
  kind: Kind,
  name: string,
  command: (catalog: Catalog, current: Recorded | undefined) => Command | undefined,
): Intent {
  return {
    kind,
    name,
    command(catalog) {
      const newer = writtenByNewer(kind, name, catalog);
      if (newer) throw newer;
      return command(catalog, catalog.get(kind, name));
    },
  };
}

function define<K extends Kind>(
  type: 'Create' | 'Put' | 'Change',
  kind: K,
  name: string,
  definition: DraftOfKind[K],
): Command {
  // K ties the draft to its kind, which the compiler does not see through the union of commands.
  return { type, kind, name, definition } as Command;
}

function existing<K extends Kind>(kind: K, name: string, catalog: Catalog): Recorded<K> {
  const current = catalog.get(kind, name);
  if (current) return current;
  throw nothingNamed(kind, name, catalog);
}

/** That there is no such definition, with a name that may have been meant; or that it is there, and cannot be read. */
export function nothingNamed(kind: Kind, name: string, catalog: Catalog): DefinitionRejected {
  const newer = writtenByNewer(kind, name, catalog);
  if (newer) return newer;
  const nearest = nearestName(
    name,
    Array.from(catalog.values(kind), ({ name }) => name),
  );
  const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  return new DefinitionRejected('not_found', `there is no ${kind} "${name}"${hint}`);
}

function check({ ifMatch, ifNoneMatch }: Preconditions, kind: Kind, name: string, current: Recorded | undefined): void {
  const where = current ? `is at revision ${current.revision}` : 'does not exist';
  if (ifMatch !== undefined && !matches(ifMatch, current?.revision)) {
    throw new DefinitionRejected('precondition_failed', `the ${kind} "${name}" ${where}; read it again (If-Match)`);
  }
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, current?.revision)) {
    throw new DefinitionRejected('precondition_failed', `the ${kind} "${name}" ${where} (If-None-Match)`);
  }
}
