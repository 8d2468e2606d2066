// npm run prebuildify: the prebuilt addon of this architecture into prebuilds/.
import { prebuild } from './internal/prebuild.mjs';
import { main, step } from './internal/steps.mjs';

await main(() => step(`prebuild for linux-${process.arch}`, prebuild));
