import {
  type Catalog,
  type ConnectionDefinition,
  type Recorded,
  resolveCredentials,
  secretsOf,
} from '@laminar/definitions';
import { environmentName, findOutside, type SecretPlaces } from '@laminar/secrets';
import type { Warning } from '@laminar/sql';

/** Where this process itself would look. */
const own: SecretPlaces = { env: process.env, directory: process.env.LAMINAR_SECRETS_DIR || undefined };

/** The connections that name a secret, sorted. */
export function connectionsNaming(secret: string, catalog: Catalog): string[] {
  return catalog
    .list('connection')
    .filter(({ definition }) => secretsOf(resolveCredentials(definition.options)).includes(secret))
    .map(({ name }) => name);
}

/**
 * Secrets that a definition names and that are nowhere to be found from here. The processes that connect look into an environment and a folder of
 * their own, of which this one knows nothing.
 */
export function missingSecrets(record: Recorded, catalog: Catalog, places: SecretPlaces = own): Warning[] {
  if (record.kind !== 'connection') return [];
  const { options } = record.definition as ConnectionDefinition;
  return secretsOf(resolveCredentials(options))
    .filter((name) => !catalog.get('secret', name) && !findOutside(name, places))
    .map((name) => ({
      code: 'missing_secret',
      message: `the secret "${name}" is not stored, and this control plane does not know it; unless an ingestion process finds it in its ${environmentName(name)} or LAMINAR_SECRETS_DIR, the connection is blocked until it is stored (PUT /api/v1/secrets/${name})`,
    }));
}
