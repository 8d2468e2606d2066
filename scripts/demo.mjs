// npm run demo: set-up, then examples/demo. The demo makes its own private network namespaces; it is started in another one
// already, so that not even a mistake in it could reach the machine's rules.
import { privateNetns } from './internal/private-netns.mjs';
import { setup } from './internal/setup.mjs';
import { main, run } from './internal/steps.mjs';

await main(async () => {
  await setup();
  const netns = await privateNetns();
  const args = [...netns.prefix, process.execPath, '--enable-source-maps', 'build-test/examples/demo/main.js', ...process.argv.slice(2)];
  const demo = await run(netns.command, args, { env: { ...process.env, ...netns.env }, stdio: 'inherit', check: false });
  return demo.code;
});
