// nflink starts no process: the whole corpus runs where a new process is impossible, and strace sees none.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { noLeakCheck, programOutput, runProgram } from '../support/child.ts';
import { compileC } from '../support/compile-c.ts';
import { hostNames, ipsets, root } from '../support/fixtures.ts';
import { TestNamespace } from '../support/namespace.ts';

let guard: Readonly<Record<string, string>> = {};
before(() => {
  const object = compileC(join(root, 'test', 'lifecycle', 'no-exec.c'), { shared: true });
  guard = { ...noLeakCheck, LD_PRELOAD: `${process.env['LD_PRELOAD'] ?? ''} ${object}`.trim() };
});

/** A namespace with the set that calico's rules name, made by the real ipset: it is no rule and nflink makes none. */
async function prepared(): Promise<TestNamespace> {
  const ns = await TestNamespace.create();
  ns.mustSync('ipset', ['restore'], { input: ipsets('calico') as string });
  return ns;
}

interface Done {
  readonly name: string;
  readonly lines: number;
  readonly listed: number;
  readonly counted: number;
  readonly found: number;
  readonly deleted: number;
  readonly left: number;
  readonly empty: number;
}

function checkDone(stdout: string): void {
  const done = JSON.parse(stdout) as Done[];
  assert.deepEqual(
    done.map((d) => d.name),
    [...hostNames, 'kube-nginx'],
  );
  for (const d of done) {
    assert.ok(d.lines > 10 && d.deleted > 3, JSON.stringify(d));
    assert.deepEqual([d.listed, d.counted, d.found], [d.lines, d.lines, d.lines], d.name);
    assert.deepEqual([d.left, d.empty], [d.lines - d.deleted, 0], d.name);
  }
}

test('the guard works: a process that starts another is ended at once', async () => {
  const result = await runProgram('start-a-process', [], { env: guard });
  assert.equal(result.signal, 'SIGSYS', JSON.stringify(result));
  assert.equal(result.stdout, 'about to start a process\n');
});

test('the corpus runs where execve, fork and every other way to a process end it', async () => {
  await using ns = await prepared();
  checkDone(await programOutput('corpus-rule-sets', [ns.path], { env: guard }));
});

/** The calls that strace wrote, without node's own start. */
function newProcesses(trace: string): string[] {
  const calls = trace.split('\n').filter((line) => /\b(execve|execveat|fork|vfork|clone|clone3)\(/.test(line));
  assert.match(calls[0] ?? '', /execve\(.*node.* = 0$/, 'strace saw node start');
  const threads = calls.filter((line) => /\bclone3?\(/.test(line) && line.includes('CLONE_THREAD'));
  assert.ok(threads.length > 3, 'strace saw the threads of node');
  return calls.slice(1).filter((line) => !threads.includes(line));
}

async function traced(name: string, args: readonly string[]): Promise<{ readonly stdout: string; readonly processes: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-strace-'));
  try {
    const file = join(folder, 'trace');
    const wrapper = [
      'strace',
      '-f',
      '-qq',
      '-s',
      '256',
      '-o',
      file,
      '-e',
      'trace=execve,execveat,fork,vfork,clone,clone3',
      '-e',
      'signal=none',
    ];
    const stdout = await programOutput(name, args, { wrapper, env: noLeakCheck });
    return { stdout, processes: newProcesses(readFileSync(file, 'utf8')) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('strace sees no process start while the corpus runs', async () => {
  await using ns = await prepared();
  const { stdout, processes } = await traced('corpus-rule-sets', [ns.path]);
  checkDone(stdout);
  assert.deepEqual(processes, []);
});

test('strace would have seen one', async () => {
  const { processes } = await traced('start-a-process', []);
  assert.ok(
    processes.some((line) => /execve\(.*true/.test(line)),
    processes.join('\n'),
  );
});
