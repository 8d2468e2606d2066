// npm run build:native: the addon into build/Release, whatever was built before. Arguments are NAME=VALUE for CMake.
import { buildWithCmake } from './internal/native.mjs';
import { main, step } from './internal/steps.mjs';

const defines = Object.fromEntries(process.argv.slice(2).map((arg) => arg.split(/=(.*)/s, 2)));
await main(() => step('native addon (cmake-js)', () => buildWithCmake({ defines })));
