// `npm run bench`: all scenarios, or those that are named. Targets that are missed are said, and no failure; a scenario that does not come to its end is one.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../servers/root.js';
import { machineText, thisMachine } from './machine.js';
import { withFigures } from './readme.js';
import { type Report, type ReportedScenario, reported, scenarioText } from './report.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';

const runsDefault = 5;
const usage = `usage: npm run bench -- [<name> ...] [--runs <n>] [--json <path>]   measures; without names everything
       npm run bench -- --readme [--json <path>]                   writes the last figures into README.md
names: ${scenarios.map(({ name }) => name).join(', ')}`;

const { names, runs, file, isReadme } = readArguments();
if (isReadme) writeReadme();
else process.exitCode = await measure(named(names));

async function measure(chosen: readonly Scenario[]): Promise<number> {
  const machine = await thisMachine(new Date());
  console.log(`${machineText(machine)}; medians of ${runs} runs (least to most)\n`);
  const done: ReportedScenario[] = [];
  for (const scenario of chosen) {
    const result = await scenario.measure({ runs, scale: 1 }).catch((error: Error) => {
      process.stderr.write(`${error.stack}\n`);
      return { figures: [], error: error.message };
    });
    done.push(reported(scenario, result));
    console.log(`${scenarioText(reported(scenario, result))}\n`);
    write({ machine, runs, scenarios: done });
  }
  console.log(`the figures are in ${file}`);
  return done.some(({ error }) => error !== undefined) ? 1 : 0;
}

function write(report: Report): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

function writeReadme(): void {
  if (!existsSync(file)) refuse(`there are no figures in ${file}: measure first`);
  const readme = join(root, 'README.md');
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  writeFileSync(readme, withFigures(readFileSync(readme, 'utf8'), report));
  console.log(`README.md has the figures of ${file}`);
}

function named(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return scenarios;
  return names.map(
    (name) => scenarios.find((scenario) => scenario.name === name) ?? refuse(`no benchmark is named "${name}"`),
  );
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: 'string', default: String(runsDefault) },
        json: { type: 'string', default: join(root, '.laminar', 'bench.json') },
        readme: { type: 'boolean', default: false },
      },
    });
    const runs = Number(values.runs);
    if (!Number.isInteger(runs) || runs < 1) return refuse(`--runs is a whole number above 0, not "${values.runs}"`);
    return { names: positionals, runs, file: resolve(values.json), isReadme: values.readme };
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(reason: string): never {
  console.error(`${reason}\n${usage}`);
  process.exit(2);
}
