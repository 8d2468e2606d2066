// npm test: set-up, then linters and formatters, then every test in a private network namespace.
//   npm test                          everything, the packed package included
//   npm test -- test/unit/foo         only tests whose path begins so (no linters)
//   npm test -- test/kernel --test-name-pattern=dry
import { checks } from './internal/checks.mjs';
import { checkPackage } from './internal/package.mjs';
import { runTests } from './internal/run-tests.mjs';
import { setup } from './internal/setup.mjs';
import { main, step } from './internal/steps.mjs';

await main(async () => {
  const args = process.argv.slice(2);
  await setup();
  if (args.length === 0) {
    await checks();
    await step('package: packed, installed without scripts, loaded from its prebuild', checkPackage);
  }
  return runTests(args);
});
