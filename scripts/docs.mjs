// `npm run docs`: writes the reference to docs/reference: of options from their schemas, of SQL from the tables that bind queries, of errors from the tables of codes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

await prepare();
const built = (...path) => import(pathToFileURL(join(root, ...path)).href);
const { optionsReference } = await built('packages', 'definitions', 'dist', 'reference.js');
const { sqlReference } = await built('packages', 'sql', 'dist', 'reference', 'reference.js');
const { errorsReference } = await built('services', 'control-plane', 'dist', 'http', 'errors-reference.js');
const folder = join(root, 'docs', 'reference');
mkdirSync(folder, { recursive: true });
for (const [page, text] of Object.entries({
  ...optionsReference(),
  ...sqlReference(),
  'errors.md': errorsReference(),
})) {
  writeFileSync(join(folder, page), text);
  console.log(`docs/reference/${page}`);
}
