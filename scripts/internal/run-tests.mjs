// Runs compiled tests with node --test in a private network namespace, and judges more strictly than node does:
// a skipped test fails the run, and so does a run without any test.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateNetns } from './private-netns.mjs';
import { Failure, filesUnder, root, run } from './steps.mjs';

/**
 * `args`: words starting with `-` go to node, the others choose files by the beginning of their path (`test/unit/foo`).
 * `env` is for the test processes only. Returns the exit code.
 */
export async function runTests(args, { env = {}, timeoutSeconds = 300, nodeFlags = [] } = {}) {
  const flags = args.filter((arg) => arg.startsWith('-'));
  const wanted = args
    .filter((arg) => !arg.startsWith('-'))
    .map((arg) => `build-test/${arg.replace(/^(\.\/)?(build-test\/)?/, '').replace(/\.(ts|js)$/, '')}`);
  const files = filesUnder(['build-test/test'], (file) => file.endsWith('.test.js')).filter(
    (file) => wanted.length === 0 || wanted.some((start) => file.startsWith(start)),
  );
  if (files.length === 0) throw new Failure(`no test file matches ${wanted.join(' ') || 'build-test/test'}`);

  const netns = await privateNetns();
  const dir = mkdtempSync(join(tmpdir(), 'nflink-test-'));
  try {
    const outcomeFile = join(dir, 'outcome.json');
    const variables = Object.entries({ ...netns.env, ...env }).map(([name, value]) => `${name}=${value}`);
    const node = [process.execPath, '--test', '--enable-source-maps', ...nodeFlags, `--test-concurrency=${Math.min(2, cpus().length)}`];
    const reporters = [
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${join(root, 'scripts/internal/outcome-reporter.mjs')}`,
      `--test-reporter-destination=${outcomeFile}`,
    ];
    const timeout = `--test-timeout=${timeoutSeconds * 1000}`;
    const { code } = await run(netns.command, [...netns.prefix, 'env', ...variables, ...node, ...reporters, timeout, ...flags, ...files], {
      stdio: 'inherit',
      check: false,
    });
    if (!existsSync(outcomeFile)) return code || 1;
    return verdict(code, JSON.parse(readFileSync(outcomeFile, 'utf8')), {
      files,
      filteredByName: flags.some((f) => f.includes('-pattern')),
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function verdict(code, { passed, notRun }, { files, filteredByName }) {
  const red = [];
  // With a name pattern node reports what the pattern leaves out as skipped.
  if (notRun.length > 0 && !filteredByName) {
    red.push(`${notRun.length} TESTS DID NOT RUN, and none may be left out:`);
    for (const t of notRun) red.push(`    ${t.file}: ${t.name} (${t.kind}${typeof t.reason === 'string' ? `: ${t.reason}` : ''})`);
  }
  if (passed === 0 && code === 0) red.push('NOT ONE TEST RAN.');
  warnAboutShared(files);
  if (red.length > 0) console.error(`\n✗ ${red.join('\n')}`);
  else if (code !== 0) console.error('\n✗ tests failed');
  else console.log(`\n✓ ${passed} tests passed in ${files.length} files${filteredByName ? ', chosen by name' : ', none skipped'}`);
  return red.length > 0 ? 1 : code;
}

// The netfilter project's extension cases and the corpus of whole hosts and command lines are read from beside the project and are not part
// of it (test/support/oracle.ts, test/support/shared-corpus.ts).
function warnAboutShared(files) {
  const folders = [
    { what: 'ORACLE CASES WERE', support: 'support/oracle.js', variable: 'NFLINK_ORACLE', folder: '../shared/oracle' },
    { what: 'CORPUS WAS', support: 'support/shared-corpus.js', variable: 'NFLINK_CORPUS', folder: '../shared/corpus' },
  ];
  for (const { what, support, variable, folder } of folders) {
    const users = files.filter((file) => readFileSync(join(root, file), 'utf8').includes(support));
    if (users.length === 0 || existsSync(process.env[variable] ?? join(root, folder))) continue;
    console.warn(
      `\n! THE ${what} NOT COMPARED: there is no folder ${folder} (or ${variable}).\n  Tests that would use it: ${users.join(', ')}`,
    );
  }
}
