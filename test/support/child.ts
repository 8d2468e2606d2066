// Programs of test/lifecycle/programs in a node of their own: what may end a process must not end the tests'.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ChildResult {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}
export interface ChildOptions {
  /** A command that starts node: `['strace', '-f']`. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
  /** Called when the child has printed a line. */
  readonly onLine?: (line: string, child: ChildProcess) => void;
}

/** The compiled file of a program. */
export function program(name: string): string {
  const path = join(dirname(fileURLToPath(import.meta.url)), '..', 'lifecycle', 'programs', `${name}.js`);
  if (!existsSync(path)) throw new Error(`no test program ${path}`);
  return path;
}

/**
 * Runs a program with node. It has this process's environment, sanitizers included, but for the test runner's marks. A child
 * that hangs is ended when the test's own time limit is: the assertion is then that it did not end.
 */
export async function runProgram(name: string, args: readonly string[] = [], o: ChildOptions = {}): Promise<ChildResult> {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const [command, ...rest] = [
    ...(o.wrapper ?? []),
    process.execPath,
    '--enable-source-maps',
    ...(o.nodeFlags ?? []),
    program(name),
    ...args,
  ];
  const child = spawn(command as string, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...inherited, ...o.env } });
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  let stdout = '';
  let stderr = '';
  let line = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    const lines = (line + text).split('\n');
    line = lines.pop() ?? '';
    for (const whole of lines) o.onLine?.(whole, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  process.off('exit', end);
  return { code, signal, stdout, stderr };
}

/** What a program printed; throws with all that is known unless it ended with 0. */
export async function programOutput(name: string, args: readonly string[] = [], o: ChildOptions = {}): Promise<string> {
  const result = await runProgram(name, args, o);
  if (result.code !== 0) throw new Error(`${name}: ${result.signal ?? `exit code ${result.code}`}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/**
 * For a program in a sanitizer build that cannot be leak-checked: one that exits amid work leaks what is in use, and the
 * checker itself starts a process. Memory errors are found all the same.
 */
export const noLeakCheck: Readonly<Record<string, string>> = { ASAN_OPTIONS: `${process.env['ASAN_OPTIONS'] ?? ''}:detect_leaks=0` };
