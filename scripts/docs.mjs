// `npm run docs`: writes the reference to docs/reference: of options from their schemas, of SQL from the tables that bind queries.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

await prepare();
const built = (...path) => import(pathToFileURL(join(root, 'packages', ...path)).href);
const { optionsReference } = await built('definitions', 'dist', 'reference.js');
const { sqlReference } = await built('sql', 'dist', 'reference', 'reference.js');
const folder = join(root, 'docs', 'reference');
mkdirSync(folder, { recursive: true });
for (const [page, text] of Object.entries({ ...optionsReference(), 'sql.md': sqlReference() })) {
  writeFileSync(join(folder, page), text);
  console.log(`docs/reference/${page}`);
}
