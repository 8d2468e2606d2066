// npm run setup: Debian packages, npm dependencies, the addon, TypeScript. `npm test` and `npm run demo` begin with the same.
import { setup } from './internal/setup.mjs';
import { main } from './internal/steps.mjs';

await main(setup);
