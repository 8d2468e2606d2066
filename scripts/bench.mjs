// npm run bench, bench:watch, bench:queue: set-up, then bench/main, bench/watch or bench/queue in a private network namespace. Arguments are handed on.
import { privateNetns } from './internal/private-netns.mjs';
import { setup } from './internal/setup.mjs';
import { main, run } from './internal/steps.mjs';

await main(async () => {
  await setup();
  const netns = await privateNetns();
  const [program, ...options] = ['watch', 'queue'].includes(process.argv[2] ?? '')
    ? process.argv.slice(2)
    : ['main', ...process.argv.slice(2)];
  const args = [...netns.prefix, process.execPath, '--enable-source-maps', `build-test/bench/${program}.js`, ...options];
  const bench = await run(netns.command, args, { env: { ...process.env, ...netns.env }, stdio: 'inherit', check: false });
  return bench.code;
});
