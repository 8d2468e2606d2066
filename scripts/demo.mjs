// npm run demo: set-up, then examples/demo. The demo makes its own private network namespace.
import { setup } from './internal/setup.mjs';
import { main, run } from './internal/steps.mjs';

await main(async () => {
  await setup();
  const demo = await run(process.execPath, ['--enable-source-maps', 'build-test/examples/demo/main.js', ...process.argv.slice(2)], {
    stdio: 'inherit',
    check: false,
  });
  return demo.code;
});
