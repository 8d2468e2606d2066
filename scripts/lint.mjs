// npm run lint: the checks of npm test that don't run anything.
import { checks } from './internal/checks.mjs';
import { main } from './internal/steps.mjs';

await main(checks);
