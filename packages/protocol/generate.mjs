// Writes protobuf code and its types into gen/ from the project's proto/ folder; part of this package's build.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const proto = join(here, '..', '..', 'proto');
const gen = join(here, 'gen');
mkdirSync(gen, { recursive: true });

const pbjs = join(dirname(createRequire(import.meta.url).resolve('protobufjs-cli/package.json')), 'bin', 'pbjs');
const leaveOut = ['--no-delimited', '--no-verify', '--no-typeurl'];

for (const set of ['laminar', 'opentelemetry']) {
  const files = readdirSync(join(proto, set), { recursive: true })
    .filter((name) => name.endsWith('.proto'))
    .map((name) => join(proto, set, name))
    .sort();
  const target = join(gen, `${set}.js`);
  execFileSync(
    process.execPath,
    [pbjs, '-t', 'static-module', '-w', 'esm', '-d', ...leaveOut, '-p', proto, '-o', target, ...files],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  // Node finds a file inside a CommonJS package only by its whole name.
  writeFileSync(target, readFileSync(target, 'utf8').replace('"protobufjs/minimal"', '"protobufjs/minimal.js"'));
}
