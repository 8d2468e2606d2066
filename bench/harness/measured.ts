// Measuring in a process of its own: neither the rule set's text nor the measurement before is in its memory. It is asked by one message and
// answers by one.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Iptables } from 'nflink';

export type Backend = 'nft' | 'legacy';
export interface Where {
  /** A process in the namespace. */
  readonly pid: number;
  readonly backend: Backend;
  readonly rules: number;
}

/** Starts the compiled `script`, hands it the request and waits for its figures. */
export async function measuredBy(script: URL, request: object): Promise<unknown> {
  const child = fork(fileURLToPath(script), { execArgv: ['--expose-gc', '--enable-source-maps'] });
  let figures: unknown;
  child.on('message', (message) => {
    figures = message;
  });
  child.send(request);
  const [code] = (await once(child, 'close')) as [number | null];
  if (figures === undefined) throw new Error(`the measuring process has ended with ${code}`);
  return figures;
}

/** In the process that measures: answers the one request, or ends with what went wrong. */
export function answer<R>(measure: (request: R) => Promise<object>): void {
  process.once('message', (message) => {
    measure(message as R).then(
      (found) => process.send?.(found, () => process.disconnect()),
      (err: unknown) => {
        console.error(err);
        process.exit(1);
      },
    );
  });
}

export async function openIn({ pid, backend }: Where): Promise<Iptables> {
  const ipt = await Iptables.open({ family: 'ip', backend, netns: { pid } });
  globalThis.gc?.();
  return ipt;
}
