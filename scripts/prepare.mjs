// Installs and builds whatever is not current, so that `npm start` and `npm test` need nothing before them. Plain Node,
// since it runs before anything is installed; older versions must be able to parse it, since it is what refuses them.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const nodeVersionMin = [20, 19];
const modules = join(root, 'node_modules');
const installStamp = join(modules, '.laminar-install');
const buildStamp = join(modules, '.laminar-build');
/** Names the process that installs or builds; one that is there without its process was interrupted. */
const lock = join(root, '.turbo', 'prepare.lock');
const lockPollMs = 200;
/** Tools that are asked to end are ended after that long. */
const endTimeoutMs = 3000;

/**
 * Ends the process with one line, or with the tool's own words, where something cannot be had. `whenBuilt` is run as soon as what it needs is
 * built, while packages may still be compiled.
 */
export async function prepare(whenBuilt = async () => {}) {
  checkNode();
  const packages = workspaces();
  if (isInstalled(packages) && isBuilt(packages)) return await whenBuilt();
  const wasInterrupted = await takeLock();
  try {
    // What compiles takes one core for two minutes, and the build needs none of it.
    const compiled = isInstalled(packages) ? undefined : await install(packages, wasInterrupted);
    await Promise.all([compiled?.(), buildThen(packages, whenBuilt)]);
  } finally {
    rmSync(lock, { force: true });
  }
}

function isInstalled(packages) {
  return readStamp(installStamp) === installState(packages);
}

function isBuilt(packages) {
  return readStamp(buildStamp) === buildState(packages) && notBuilt(packages).length === 0;
}

function notBuilt(packages) {
  return packages.filter((folder) => !existsSync(join(folder, 'dist')));
}

/** Gives what is left to be done, beside other things, for the packages to run. */
async function install(packages, wasInterrupted) {
  const state = installState(packages);
  const done = () => writeStamp(installStamp, state);
  const compiles = 'better-sqlite3 may have to be compiled, which takes a minute or two';
  const command = ['install', '--no-save', '--no-audit', '--no-fund'];
  // npm takes packages for whole whose compilation was interrupted.
  if (wasInterrupted && existsSync(modules)) {
    console.log('an earlier installation was interrupted; it begins anew');
    rmSync(modules, { recursive: true, force: true });
  }
  // npm alone knows what of an installation there is has to be compiled again.
  if (existsSync(join(modules, '.package-lock.json'))) {
    await step(`installing packages (${compiles})`, 'installed', npm(...command));
    return done;
  }
  await step('installing packages', 'installed', npm(...command, '--ignore-scripts'));
  return async () => {
    // The programs in .bin are in use meanwhile, and stay as they are.
    await step(`running their install scripts (${compiles})`, 'scripts run', npm('rebuild', '--no-bin-links'));
    done();
  };
}

async function buildThen(packages, whenBuilt) {
  if (!isBuilt(packages)) await build(packages);
  await whenBuilt();
}

async function build(packages) {
  // Taken before the work begins, so that an edit made meanwhile is seen by the next run.
  const state = buildState(packages);
  const gone = notBuilt(packages);
  // The compiler trusts its notes of the last build, also where what was built is gone.
  for (const folder of gone) rmSync(join(folder, 'tsconfig.tsbuildinfo'), { force: true });
  await step('building', 'built', turboBuild());
  writeStamp(buildStamp, state);
}

/** Waits until nobody else installs or builds here. Says whether the last one to do so was interrupted. */
async function takeLock() {
  mkdirSync(dirname(lock), { recursive: true });
  let wasInterrupted = false;
  let hasWaited = false;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return wasInterrupted;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = Number(readStamp(lock));
    if (!isAlive(owner)) {
      wasInterrupted = true;
      rmSync(lock, { force: true });
      continue;
    }
    if (!hasWaited) console.log(`waiting for process ${owner}, which installs or builds here (${lock}) ...`);
    hasWaited = true;
    await new Promise((resolve) => setTimeout(resolve, lockPollMs));
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > nodeVersionMin[0] || (major === nodeVersionMin[0] && minor >= nodeVersionMin[1])) return;
  console.error(`Laminar Mesh needs Node ${nodeVersionMin.join('.')} or newer; this is ${process.versions.node}`);
  process.exit(1);
}

/** The folders of the workspace's packages. */
function workspaces() {
  const { workspaces: patterns } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const folders = patterns.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern];
    const parent = pattern.slice(0, -2);
    return readdirSync(join(root, parent)).map((name) => join(parent, name));
  });
  return folders.map((folder) => join(root, folder)).filter((folder) => existsSync(join(folder, 'package.json')));
}

/** What the installed packages depend on: what is asked for, and the Node that compiled ones were compiled for. */
function installState(packages) {
  const hash = createHash('sha256').update(`${process.versions.modules} ${process.platform} ${process.arch}`);
  for (const folder of [root, ...packages]) hash.update(readFileSync(join(folder, 'package.json')));
  for (const file of ['package-lock.json', '.npmrc']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** The sources by name, size and time of change: a look at 300 files takes a few milliseconds, asking turbo a second. */
function buildState(packages) {
  const hash = createHash('sha256').update(installState(packages));
  const note = (path) => {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`);
  };
  const noteFolder = (folder) => {
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder, { recursive: true }).sort()) note(join(folder, name));
  };
  for (const name of ['turbo.json', 'tsconfig.json', 'tsconfig.base.json', 'scripts/bundle.mjs'])
    note(join(root, name));
  noteFolder(join(root, 'proto'));
  for (const folder of packages) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isFile() && !entry.name.endsWith('.tsbuildinfo')) note(join(folder, entry.name));
    }
    noteFolder(join(folder, 'src'));
  }
  return hash.digest('hex');
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function writeStamp(path, state) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, state);
}

/** `npm ci` fails where a registry lacks optional packages of other platforms; `install --no-save` leaves the lockfile as it is. */
function npm(...args) {
  // Where npm runs this, the same npm.
  const { npm_execpath: script } = process.env;
  const program = script?.endsWith('.js') ? [process.execPath, script] : ['npm'];
  return { command: [...program, ...args], env: nodeHeaders() };
}

/** The running Node's own headers where they stand beside it, so that compiling a package downloads none. */
function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  const version = join(prefix, 'include', 'node', 'node_version.h');
  if (!existsSync(version)) return {};
  const text = readFileSync(version, 'utf8');
  const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1];
  const same = `${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}` === process.versions.node;
  return same ? { npm_config_nodedir: prefix } : {};
}

function turboBuild() {
  return {
    command: [join(modules, '.bin', 'turbo'), 'run', 'build', '--output-logs=errors-only'],
    env: { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', TURBO_NO_UPDATE_NOTIFIER: '1' },
  };
}

/** Says what takes long before and after it; the command's own output is shown only when it fails. */
async function step(before, after, { command, env }) {
  const started = Date.now();
  console.log(`${before} ...`);
  const { code, output } = await run(command, env);
  if (code === 0) {
    console.log(`${after} in ${((Date.now() - started) / 1000).toFixed(0)} s`);
    return;
  }
  console.error(`${output}\n${command.join(' ')} failed`);
  await endAll();
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** The tools at work, each in a process group of its own with all that it started; resolves when it is gone. */
const working = new Map();
let isEnding = false;

/** Ends all of them and then this process. The lock stays: it tells the next one that this work was not finished. */
async function endAll() {
  if (isEnding) return;
  isEnding = true;
  // turbo ends what it started, in groups of their own, when it is asked to, and not when it is killed.
  for (const { pid } of working.keys()) signalGroup(pid, 'SIGINT');
  setTimeout(() => {
    for (const { pid } of working.keys()) signalGroup(pid, 'SIGKILL');
  }, endTimeoutMs);
  await Promise.all(working.values());
  process.exit(1);
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It has ended by itself just now.
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Runs a command, which ends where this process is asked to; never resolves then. */
function run([program, ...args], env) {
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  // What cannot be started at all closes too.
  child.once('error', (error) => (output += error.message));
  if (working.size === 0) for (const signal of signals) process.on(signal, endAll);
  const closed = new Promise((resolve) => child.once('close', resolve));
  if (child.pid !== undefined) working.set(child, closed);
  return new Promise((resolve) => {
    closed.then((code) => {
      working.delete(child);
      if (isEnding) return;
      if (working.size === 0) for (const signal of signals) process.off(signal, endAll);
      resolve({ code, output });
    });
  });
}
