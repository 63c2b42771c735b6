import type { Catalog } from '@laminar/definitions';
import type { Command } from '@laminar/definitions/decisions';
import type { DefinitionFiles } from '@laminar/runtime';
import type { Warning } from '@laminar/sql';
import { checkFiles } from '../definitions/file-check.js';
import type { Intent } from '../definitions/intent.js';

/**
 * Looks at the files that an intent's definition names, before it is decided on: a decision waits for nothing. Throws `DefinitionRejected` where they can never
 * do; what may still come is a warning.
 */
export async function checkNamedFiles(intent: Intent, catalog: Catalog, files: DefinitionFiles): Promise<Warning[]> {
  if (intent.kind !== 'connection') return [];
  const command = commandOf(intent, catalog);
  if (command?.kind !== 'connection' || !('definition' in command)) return [];
  return checkFiles(command.definition, files);
}

/** Whatever is wrong with an intent beside its files is said at its turn, against the catalog as it is then. */
function commandOf(intent: Intent, catalog: Catalog): Command | undefined {
  try {
    return intent.command(catalog);
  } catch {
    return undefined;
  }
}
