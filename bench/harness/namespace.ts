// A private network namespace with a small process in it, which runs the real programs there as a service would: by execFile,
// timed on the spot. Nothing that a benchmark or the demo does happens anywhere else.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AgentReply, AgentRequest } from './agent.ts';

export interface Ran {
  readonly code: number;
  /** From the call of execFile to its callback, milliseconds. */
  readonly ms: number;
  /** Empty unless asked for. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Written to the program's standard input. */
  readonly input?: string;
  /** Hand back what the program printed. It is always collected, as execFile does, but not always worth handing over. */
  readonly output?: boolean;
}

export class PrivateNamespace implements AsyncDisposable {
  readonly pid: number;
  readonly #agent: ChildProcess;
  readonly #waiting = new Map<number, (reply: AgentReply) => void>();
  #requests = 0;

  private constructor(agent: ChildProcess, pid: number) {
    this.#agent = agent;
    this.pid = pid;
    agent.on('message', (message) => {
      const reply = message as AgentReply;
      const settle = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      settle?.(reply);
    });
    agent.on('exit', () => {
      for (const [id, settle] of this.#waiting) settle({ id, code: 1, ms: 0, stdout: '', stderr: 'the namespace is closed' });
      this.#waiting.clear();
    });
  }

  /** Needs root, or a user namespace of one's own. */
  static async create(): Promise<PrivateNamespace> {
    const script = fileURLToPath(new URL('./agent.js', import.meta.url));
    const agent = spawn('unshare', ['--net', '--', process.execPath, script], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let problem = '';
    agent.stderr?.setEncoding('utf8').on('data', (text: string) => {
      problem += text;
    });
    // The agent's first message comes after unshare(2): from then on its namespace is the new one.
    const ready = once(agent, 'message').then(() => true);
    const ended = once(agent, 'close').then(() => false);
    if (!(await Promise.race([ready, ended])) || agent.pid === undefined) {
      throw new Error(`cannot make a private network namespace (root is needed): ${problem.trim()}`);
    }
    const ns = new PrivateNamespace(agent, agent.pid);
    if (readlinkSync(`/proc/${ns.pid}/ns/net`) === readlinkSync('/proc/self/ns/net')) {
      await ns.close();
      throw new Error('REFUSED: unshare --net did not give a network namespace of its own');
    }
    return ns;
  }

  /** Runs a program inside; a failure is in `code`. */
  async run(file: string, args: readonly string[] = [], o: RunOptions = {}): Promise<Ran> {
    const id = ++this.#requests;
    const request: AgentRequest = { id, file, args, output: o.output === true, ...(o.input === undefined ? {} : { input: o.input }) };
    const reply = new Promise<AgentReply>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.#agent.send(request);
    return await reply;
  }

  /** As `run`, but throws with the program's words unless it ends with 0. */
  async must(file: string, args: readonly string[] = [], o: RunOptions = {}): Promise<Ran> {
    const ran = await this.run(file, args, o);
    if (ran.code !== 0) throw new Error(`${file} ${args.join(' ')}: exit code ${ran.code}: ${ran.stderr.trim()}`);
    return ran;
  }

  /** Ends the process inside. The namespace goes when nothing else is in it any more. */
  async close(): Promise<void> {
    if (this.#agent.exitCode !== null || this.#agent.signalCode !== null) return;
    const ended = once(this.#agent, 'exit');
    this.#agent.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
