import { type Catalog, sameData } from '@laminar/definitions';
import type { Command } from '@laminar/definitions/decisions';
import type { DefinitionFiles } from '@laminar/runtime';
import type { Warning } from '@laminar/sql';
import { checkFiles } from '../definitions/file-check.js';
import type { Intent } from '../definitions/intent.js';
import { checkServers, type VersionsOf } from '../definitions/server-check.js';
import type { StreamCheck } from '../definitions/stream-check.js';

/** What definitions stand on beside the catalog. */
export interface Outside {
  readonly files: DefinitionFiles;
  readonly versionsOf: VersionsOf;
  readonly streams: StreamCheck;
}

/**
 * Looks at the files and, where it matters, at the servers and the stream that an intent's definition names, before it is decided on: a decision waits for nothing. Throws `DefinitionRejected` where they can
 * never do; what may still come is a warning.
 */
export async function lookOutside(intent: Intent, catalog: Catalog, outside: Outside): Promise<Warning[]> {
  if (intent.kind !== 'connection') return [];
  const command = commandOf(intent, catalog);
  if (command?.kind !== 'connection' || !('definition' in command)) return [];
  const { definition } = command;
  const stays = sameData(definition, catalog.get('connection', intent.name)?.definition);
  const warnings = await checkFiles(definition, outside.files);
  if (stays) return warnings;
  const ofServers = await checkServers(definition, outside.versionsOf);
  const { revision } = catalog;
  return [...warnings, ...ofServers, ...(await outside.streams.warnings({ name: intent.name, definition, revision }))];
}

/** Whatever is wrong with an intent beside that is said at its turn, against the catalog as it is then. */
function commandOf(intent: Intent, catalog: Catalog): Command | undefined {
  try {
    return intent.command(catalog);
  } catch {
    return undefined;
  }
}
