// The process inside a private namespace (namespace.ts). It is small, as forking is the cheaper the smaller the process is:
// the figures of the real programs are the best a service can get.
import { execFile } from 'node:child_process';

export interface AgentRequest {
  readonly id: number;
  readonly file: string;
  readonly args: readonly string[];
  readonly input?: string;
  readonly output: boolean;
}

export interface AgentReply {
  readonly id: number;
  readonly code: number;
  readonly ms: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_OUTPUT = 1 << 30;

process.on('message', (message) => {
  const request = message as AgentRequest;
  const start = performance.now();
  const child = execFile(request.file, request.args, { encoding: 'utf8', maxBuffer: MAX_OUTPUT }, (err, stdout, stderr) => {
    const ms = performance.now() - start;
    const code = err === null ? 0 : typeof err.code === 'number' ? err.code : 127;
    const words = stderr === '' && err !== null && code === 127 ? err.message : stderr;
    process.send?.({ id: request.id, code, ms, stdout: request.output ? stdout : '', stderr: words } satisfies AgentReply);
  });
  // A program that doesn't read its input closes the pipe: its exit code tells what matters.
  child.stdin?.on('error', () => {});
  child.stdin?.end(request.input ?? '');
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
