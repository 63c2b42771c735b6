import {
  type Catalog,
  idleOptions,
  isRedelivered,
  nameSpaceOf,
  type OnError,
  type Recorded,
  type ResolvedConnection,
  resolveConnection,
} from '@laminar/definitions';
import type { Warning } from '@laminar/sql';

/** Options that are kept, and do nothing as the others of the definition, its connection or its pipelines are now. */
export function withoutEffect(record: Recorded, catalog: Catalog): Warning[] {
  if (record.kind === 'connection') return ofConnection(record as Recorded<'connection'>, catalog);
  if (record.kind === 'pipeline') return ofPipeline(record as Recorded<'pipeline'>, catalog);
  return [];
}

function ofConnection({ kind, name, definition }: Recorded<'connection'>, catalog: Catalog): Warning[] {
  const pipelinesOnError = () =>
    new Set(
      catalog
        .dependents(name, nameSpaceOf(kind))
        .flatMap((dependent) => (dependent.kind === 'pipeline' ? [onErrorOf(dependent as Recorded<'pipeline'>)] : []))
        .filter((onError) => onError !== undefined),
    );
  return idleOptions(definition, pipelinesOnError).map(({ option, why }) => warningOf(option, why));
}

function ofPipeline(record: Recorded<'pipeline'>, catalog: Catalog): Warning[] {
  if (onErrorOf(record) !== 'retry') return [];
  const sources = record.definition.reads.flatMap((relation) => {
    const connection = catalog.get('table', relation)?.definition.connector ?? relation;
    const source = catalog.get('connection', connection);
    return source ? [resolveConnection(connection, source.definition)] : [];
  });
  // What is read may still come; what cannot be delivered again at all is refused.
  const deliversOnce = (source: ResolvedConnection) => isRedelivered(source) && source.consumer.maxDeliver === 1;
  if (sources.length === 0 || !sources.every(deliversOnce)) return [];
  const why = "'retry' needs deliveries after the first, and here is one; a row that fails is a dead letter at once";
  return [warningOf('on_error', why)];
}

const onErrorOf = ({ definition }: Recorded<'pipeline'>) => definition.options.on_error as OnError | undefined;

const warningOf = (option: string, why: string): Warning => ({
  code: 'no_effect',
  message: `"${option}" has no effect as things are: ${why}`,
});
