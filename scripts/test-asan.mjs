// npm run test:asan: the tests that reach the addon, against an addon built with AddressSanitizer, UndefinedBehaviorSanitizer
// and LeakSanitizer. Arguments choose tests as for npm test.
import { buildWithCmake } from './internal/native.mjs';
import { runTests } from './internal/run-tests.mjs';
import { setup } from './internal/setup.mjs';
import { main, root, run, step } from './internal/steps.mjs';

await main(async () => {
  await setup();
  const addon = await step('native addon with sanitizers (cmake-js)', () =>
    buildWithCmake({ out: 'build-asan', config: 'RelWithDebInfo', defines: { NFLINK_SANITIZE: 'address;undefined' } }),
  );
  const { stdout: libasan } = await run('gcc', ['-print-file-name=libasan.so']);
  const args = process.argv.slice(2);
  const chosen = args.some((arg) => !arg.startsWith('-'))
    ? args
    : ['test/conformance', 'test/corpus', 'test/kernel', 'test/lifecycle', 'test/unit', ...args];
  // Only the test processes get these: test/support/namespace.ts keeps them from the programs that tests start.
  return runTests(chosen, {
    env: {
      NFLINK_ADDON: `${root}/${addon}`,
      LD_PRELOAD: libasan.trim(),
      ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0:exitcode=99',
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1:exitcode=99',
    },
    timeoutSeconds: 900,
  });
});
