import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from '@laminar/runtime';
import { describe, expect, it } from 'vitest';
import { checkout } from './checkout.js';

const readme = readFileSync(join(checkout, 'README.md'), 'utf8');

/** The cells of the table's rows, however wide its columns are drawn. */
function rows(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe('README.md', () => {
  it('has every variable of the environment, with its default and what it is', () => {
    const section = readme.slice(readme.indexOf('\n## Environment'), readme.indexOf('\n## Limits'));
    const wanted = Object.entries(environment).map(([name, { default: fallback, description }]) => [
      `\`${name}\``,
      fallback ? `\`${fallback}\`` : '',
      description,
    ]);
    expect(rows(section)).toEqual(wanted);
  });
});
