// npm run check:pack: packs, installs without scripts in an empty project, loads the prebuild. Part of npm test.
import { checkPackage } from './internal/package.mjs';
import { setup } from './internal/setup.mjs';
import { main, step } from './internal/steps.mjs';

await main(async () => {
  await setup();
  await step('package: packed, installed without scripts, loaded from its prebuild', checkPackage);
});
