// Does what nflink must not: starts a process.
import { spawnSync } from 'node:child_process';

console.log('about to start a process');
console.log(`started one: ${spawnSync('true').status}`);
