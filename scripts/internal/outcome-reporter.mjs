// A reporter for node --test beside the readable one: how many tests passed, and each one that was skipped or left to do,
// as one JSON line. scripts/internal/run-tests.mjs turns that into its verdict.
import { relative } from 'node:path';

export default async function* outcome(source) {
  let passed = 0;
  let failed = 0;
  const notRun = [];
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const reason = data.skip ?? data.todo;
    const file = data.file === undefined ? '' : relative(process.cwd(), data.file);
    if (reason !== undefined) notRun.push({ name: data.name, file, kind: data.skip !== undefined ? 'skipped' : 'todo', reason });
    else if (type === 'test:fail') failed++;
    // A file's own entry and a suite's are not tests.
    else if (data.details?.type !== 'suite' && !data.name.endsWith('.test.js')) passed++;
  }
  yield `${JSON.stringify({ passed, failed, notRun })}\n`;
}
