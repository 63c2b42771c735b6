// `npm run docs`: writes the reference of options, which is made of their schemas, to docs/reference.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

await prepare();
const built = join(root, 'packages', 'definitions', 'dist', 'reference.js');
const { optionsReference } = await import(pathToFileURL(built).href);
const folder = join(root, 'docs', 'reference');
mkdirSync(folder, { recursive: true });
for (const [page, text] of Object.entries(optionsReference())) {
  writeFileSync(join(folder, page), text);
  console.log(`docs/reference/${page}`);
}
