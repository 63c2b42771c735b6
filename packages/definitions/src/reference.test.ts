import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { optionsReference } from './reference.js';

const folder = resolve(import.meta.dirname, '..', '..', '..', 'docs', 'reference');
const rowOf = (page: string, name: string) => page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));

describe('the reference of options', () => {
  it.each(Object.entries(optionsReference()))('%s is what the schemas say (npm run docs)', (page, text) => {
    expect(readFileSync(join(folder, page), 'utf8')).toBe(text);
  });

  it('says type, default, what requires it and where it applies', () => {
    const page = optionsReference()['connection-options.md'] ?? '';
    expect(rowOf(page, 'servers')).toContain('| string |  | yes | all |');
    expect(rowOf(page, 'format')).toContain("| `'json'`, `'protobuf'`, `'raw'` | `'json'` | sources | all |");
    expect(rowOf(page, 'max_reconnects')).toContain('| integer, -1 to 1000000 | `10` |  | all |');
    expect(rowOf(page, 'kv_bucket')).toContain('| yes | source-kv |');
    expect(rowOf(page, 'queue_group')).toContain('|  |  | source-core, source-push |');
  });
});
