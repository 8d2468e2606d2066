// One shell in a namespace that runs command after command: a thousand programs without starting Node's machinery for each.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cleanEnv, type TestNamespace } from './namespace.ts';

export interface ShellResult {
  readonly code: number;
  /** Standard output and standard error, in one. */
  readonly output: string;
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
const END = 'nflink-end-of-command';

export class NamespaceShell implements AsyncDisposable {
  readonly #child: ChildProcess;
  #text = '';
  #waiting: ((r: ShellResult) => void) | undefined;

  constructor(ns: TestNamespace) {
    this.#child = spawn('nsenter', [`--net=${ns.path}`, '--', 'sh'], { stdio: ['pipe', 'pipe', 'inherit'], env: cleanEnv() });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text;
      const end = new RegExp(`${END} (\\d+)\\n$`).exec(this.#text);
      if (end === null) return;
      const output = this.#text.slice(0, end.index);
      this.#text = '';
      this.#waiting?.({ code: Number(end[1]), output });
    });
  }

  /** One command at a time. `input`: its standard input. */
  async run(words: readonly string[], input?: string): Promise<ShellResult> {
    const done = new Promise<ShellResult>((resolve) => {
      this.#waiting = resolve;
    });
    const from = input === undefined ? '</dev/null' : `<<'${END}'\n${input}${END}`;
    this.#child.stdin?.write(`{ ${words.map(quoted).join(' ')}; } 2>&1 ${from}\necho ${END} $?\n`);
    return await done;
  }
  async must(words: readonly string[], input?: string): Promise<string> {
    const { code, output } = await this.run(words, input);
    if (code !== 0) throw new Error(`${words.join(' ')}: exit code ${code}\n${output}`);
    return output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}
