// Running commands with progress lines, and remembering by content what has been built. Node only, no dependencies.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root directory. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The path of a program that an npm dependency brings. */
export const bin = (name) => join(root, 'node_modules', '.bin', name);

/** A failure that needs no stack trace: the sentence says what to do. */
export class Failure extends Error {}

/** Runs a script's main function; a Failure is printed as its sentence, anything else with its stack. Exit code 1 either way. */
export async function main(fn) {
  try {
    const code = await fn();
    process.exitCode = typeof code === 'number' ? code : 0;
  } catch (err) {
    console.error(err instanceof Failure ? `\n✗ ${err.message}` : err);
    process.exitCode = 1;
  }
}

/** One piece of work: its name when it starts, and again with the elapsed time when it is over. */
export async function step(name, fn) {
  console.log(`· ${name} …`);
  const start = performance.now();
  try {
    const result = await fn();
    console.log(`✓ ${name} (${seconds(start)})`);
    return result;
  } catch (err) {
    console.error(`✗ ${name} (${seconds(start)})`);
    throw err;
  }
}

export const seconds = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;

/** Runs every task to its end, then throws the first failure: no task is left running behind an error message. */
export async function all(tasks) {
  const results = await Promise.allSettled(tasks);
  for (const r of results) if (r.status === 'rejected') throw r.reason;
}

/** Starts a program and waits for it. Its output is kept, and shown only when it fails, unless `stdio` says otherwise. */
export function run(command, args, { cwd = root, env = process.env, stdio = ['ignore', 'pipe', 'pipe'], check = true } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio });
    const stop = (signal) => child.kill(signal);
    process.on('SIGINT', stop).on('SIGTERM', stop);
    const done = () => process.off('SIGINT', stop).off('SIGTERM', stop);
    let stdout = '';
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      output += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', (err) => {
      done();
      if (check) reject(new Failure(`cannot start ${command}: ${err.message}`));
      else resolve({ code: 127, stdout, output: err.message });
    });
    child.on('close', (exit, signal) => {
      done();
      const code = exit ?? 1;
      if (code === 0 || !check) return resolve({ code, stdout, output });
      const shown = relative(root, command).startsWith('..') ? command : relative(root, command);
      reject(new Failure(`${output.trimEnd()}\n${shown} ${args.join(' ')}: ${signal ?? `exit code ${code}`}`.trimStart()));
    });
  });
}

/** All files under the given paths (relative to the root), sorted; a path that isn't there has none. */
export function filesUnder(paths, keep = () => true) {
  const found = [];
  const visit = (path) => {
    if (!existsSync(join(root, path))) return;
    let entries;
    try {
      entries = readdirSync(join(root, path), { withFileTypes: true });
    } catch (err) {
      if (err.code !== 'ENOTDIR') throw err;
      if (keep(path)) found.push(path);
      return;
    }
    for (const entry of entries) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) visit(child);
      else if (keep(child)) found.push(child);
    }
  };
  for (const path of paths) visit(path);
  return found.sort();
}

/** A digest of the names and contents of all files under the given paths, and of `extra`. */
export function digest(paths, extra = '') {
  const hash = createHash('sha256').update(extra);
  for (const file of filesUnder(paths)) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/**
 * Does `build` unless it was done before for the same inputs and its outputs are still there.
 * The memory is a file in `.setup/`, so that neither build folders nor the package carry it.
 */
export async function remembered(name, { inputs, extra, outputs }, build) {
  const stamp = join(root, '.setup', name);
  const wanted = digest(inputs, extra);
  if (outputs.every((path) => existsSync(join(root, path))) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return false;
  rmSync(stamp, { force: true });
  await build();
  for (const path of outputs) if (!existsSync(join(root, path))) throw new Failure(`${name}: the build ended without making ${path}`);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
  return true;
}
