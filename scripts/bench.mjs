// npm run bench: set-up, then bench/main in a private network namespace. Arguments are handed on.
import { privateNetns } from './internal/private-netns.mjs';
import { setup } from './internal/setup.mjs';
import { main, run } from './internal/steps.mjs';

await main(async () => {
  await setup();
  const netns = await privateNetns();
  const args = [...netns.prefix, process.execPath, '--enable-source-maps', 'build-test/bench/main.js', ...process.argv.slice(2)];
  const bench = await run(netns.command, args, { env: { ...process.env, ...netns.env }, stdio: 'inherit', check: false });
  return bench.code;
});
