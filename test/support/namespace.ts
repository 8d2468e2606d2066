// Private network namespaces for tests, and the refusal to touch any other.
import { type ChildProcess, type SpawnSyncOptionsWithStringEncoding, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';

export interface RunOptions {
  /** Written to the program's standard input. */
  readonly input?: string | Uint8Array;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code; 128 + the signal's number where a signal ended the program, as a shell counts. */
  readonly code: number;
}

/**
 * Throws unless this process is in a network namespace other than the machine's. That is known from the namespace
 * `scripts/test.mjs` started in, and from process 1 where it can be seen; with neither, nothing is known and that is a refusal too.
 */
export function assertPrivate(initial: string | undefined = process.env['NFLINK_INITIAL_NETNS']): void {
  const own = readlinkSync('/proc/self/ns/net');
  const init = namespaceOfInit();
  if (own === initial || own === init) {
    throw new Error(
      `REFUSED: this process is in the initial network namespace ${own}; kernel tests run only in a private one. Use: npm test`,
    );
  }
  if (initial === undefined && init === undefined) {
    throw new Error(
      'REFUSED: nothing tells whether this network namespace is private; kernel tests run only in a private one. Use: npm test',
    );
  }
}

function namespaceOfInit(): string | undefined {
  try {
    return readlinkSync('/proc/1/ns/net');
  } catch {
    // Not ours to look at, as in a user namespace, or hidden.
    return undefined;
  }
}

/**
 * The environment for programs that tests start: without what `npm run test:asan` sets for the test process itself, which
 * would report the leaks of iptables and nft as ours, and without node's own test-runner marks.
 */
export function cleanEnv(added: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { LD_PRELOAD: _1, ASAN_OPTIONS: _2, UBSAN_OPTIONS: _3, NFLINK_ADDON: _4, NODE_TEST_CONTEXT: _5, ...rest } = process.env;
  return { ...rest, ...added };
}

/**
 * A network namespace of its own, kept by a process that waits for the end of its standard input: it dies with this process,
 * however that ends. Loopback is there and down until `up()`.
 */
export class TestNamespace implements AsyncDisposable {
  readonly pid: number;
  /** `/proc/<pid>/ns/net`, valid until the namespace is closed. */
  readonly path: string;
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess, pid: number) {
    this.#holder = holder;
    this.pid = pid;
    this.path = `/proc/${pid}/ns/net`;
  }

  static async create(): Promise<TestNamespace> {
    assertPrivate();
    const holder = spawn('unshare', ['--net', '--', 'sh', '-c', 'echo ready; exec cat'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: cleanEnv(),
    });
    let problem = '';
    holder.stderr.setEncoding('utf8').on('data', (text: string) => {
      problem += text;
    });
    // The word arrives after unshare(2): from then on the path names the new namespace.
    const started = once(holder.stdout, 'data').then(() => true);
    const ended = once(holder, 'close').then(() => false);
    if (!(await Promise.race([started, ended])) || holder.pid === undefined) {
      throw new Error(`cannot make a network namespace: unshare --net: ${problem.trim()}`);
    }
    const ns = new TestNamespace(holder, holder.pid);
    if (readlinkSync(ns.path) === readlinkSync('/proc/self/ns/net')) {
      await ns.close();
      throw new Error('unshare --net did not give a new network namespace');
    }
    holder.unref();
    for (const stream of [holder.stdin, holder.stdout, holder.stderr]) (stream as unknown as { unref(): void }).unref();
    return ns;
  }

  /** The namespace's number, as `net:[4026532201]`. */
  get id(): string {
    return readlinkSync(this.path);
  }

  /** Runs a program inside; a failure is in `code`. */
  async run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    const child = spawn('nsenter', this.#inside(command, args), { stdio: ['pipe', 'pipe', 'pipe'], env: cleanEnv(options.env) });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // A program that doesn't read its input closes the pipe: its exit code tells what matters.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { stdout, stderr, code: exitCode(code, signal) };
  }

  /** As `run`, without letting anything else of this process happen in between. */
  runSync(command: string, args: readonly string[] = [], options: RunOptions = {}): RunResult {
    const spawnOptions: SpawnSyncOptionsWithStringEncoding = {
      encoding: 'utf8',
      env: cleanEnv(options.env),
      input: options.input ?? '',
      maxBuffer: 256 * 1024 * 1024,
    };
    const done = spawnSync('nsenter', this.#inside(command, args), spawnOptions);
    if (done.error !== undefined && done.status === null && done.signal === null) throw done.error;
    return { stdout: done.stdout, stderr: done.stderr, code: exitCode(done.status, done.signal) };
  }

  /** Runs a program inside and gives what it printed; throws with its standard error unless it ends with 0. */
  async must(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    return printed(command, args, await this.run(command, args, options));
  }

  mustSync(command: string, args: readonly string[] = [], options: RunOptions = {}): string {
    return printed(command, args, this.runSync(command, args, options));
  }

  /** Brings loopback up, for tests that send traffic. */
  up(): void {
    this.mustSync('ip', ['link', 'set', 'lo', 'up']);
  }

  /** Ends the holder. The namespace goes when nothing else is in it any more. */
  async close(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const ended = once(this.#holder, 'exit');
    this.#holder.ref();
    this.#holder.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #inside(command: string, args: readonly string[]): string[] {
    return [`--net=${this.path}`, '--', command, ...args];
  }
}

/** Calls `fn` with a new namespace and closes it afterwards, whatever happened. */
export async function withNamespace<T>(fn: (ns: TestNamespace) => T | Promise<T>): Promise<T> {
  const ns = await TestNamespace.create();
  try {
    return await fn(ns);
  } finally {
    await ns.close();
  }
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return 128 + (signal === null ? 0 : constants.signals[signal]);
}

function printed(command: string, args: readonly string[], result: RunResult): string {
  if (result.code === 0) return result.stdout;
  throw new Error(`${command} ${args.join(' ')}: exit code ${result.code}\n${result.stderr || result.stdout}`);
}
