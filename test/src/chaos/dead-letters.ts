import { eventually } from '../eventually.js';
import type { Definitions } from './definitions.js';
import type { Stored } from './ledger.js';
import type { Messages } from './messages.js';
import { chaosPipelines, chaosSources } from './pipelines.js';

const timeoutMs = 30_000;
const pageRows = 2000;

export interface DeadLetterFindings {
  readonly expected: number;
  readonly found: number;
  /** What should be a dead letter and is not, or is one and should not be. */
  readonly wrong: readonly string[];
}

/** A message and who could do nothing with it: a pipeline, or a connection with all that read by it. */
const letter = (connection: string, pipeline: string, n: number): string =>
  `message ${n} of ${connection}${pipeline === '' ? '' : ` in ${pipeline}`}`;

/** Whether exactly the poison became dead letters, as `system.dead_letters` has them. */
export async function deadLetterFindings(
  definitions: Definitions,
  messages: Messages,
  stored: Stored,
): Promise<DeadLetterFindings> {
  const { required, allowed, numbers } = lettersOf(messages, stored);
  const found = new Set<string>();
  const missing = () => [...required].filter((one) => !found.has(one));
  // What is missing in the end is said as a violation, not as an error.
  await eventually(
    async () => {
      for (const { name } of chaosSources)
        for (const one of await readLetters(definitions, name, numbers)) found.add(one);
      return missing().length === 0;
    },
    { what: 'the dead letters', timeoutMs },
  ).catch(() => undefined);
  const unwanted = [...found].filter((one) => !required.has(one) && !allowed.has(one));
  return {
    expected: required.size,
    found: found.size,
    wrong: [...missing().map((one) => `no dead letter: ${one}`), ...unwanted.map((one) => `a dead letter: ${one}`)],
  };
}

/** A message that no filter of a connection lets through may be dropped without being read, and so without being found undecodable. */
function lettersOf(messages: Messages, stored: Stored) {
  const [required, allowed] = [new Set<string>(), new Set<string>()];
  const numbers = new Map<number, number>();
  for (let n = 0; n < stored.count; n++) {
    const fate = messages.fate(n);
    if (fate === 'plain') continue;
    numbers.set(stored.sequences[n] ?? 0, n);
    const must = stored.isPurged(n) ? allowed : required;
    if (fate === 'failing' && chaosPipelines.some(({ name, matches }) => name === 'once' && matches(n)))
      must.add(letter('shared_in', 'once', n));
    if (fate === 'undecodable')
      for (const { name } of chaosSources) {
        const readers = chaosPipelines.filter(({ connection }) => connection === name);
        const own = readers.find(({ options }) => options?.reader === 'own');
        const isRead = readers.some(({ matches }) => matches(n));
        (isRead ? must : allowed).add(letter(name, own?.name ?? '', n));
      }
  }
  return { required, allowed, numbers };
}

async function readLetters(
  definitions: Definitions,
  connection: string,
  numbers: ReadonlyMap<number, number>,
): Promise<string[]> {
  const letters: string[] = [];
  for (let after = 0; ; ) {
    const rows = await definitions.rows(
      `SELECT sequence, coalesce(pipeline, '') FROM system.dead_letters WHERE connection = '${connection}' AND sequence > ${after} ORDER BY sequence LIMIT ${pageRows}`,
    );
    for (const [sequence, pipeline] of rows) {
      after = Number(sequence);
      const n = numbers.get(after);
      letters.push(n === undefined ? `sequence ${after} of ${connection}` : letter(connection, String(pipeline), n));
    }
    if (rows.length < pageRows) return letters;
  }
}
