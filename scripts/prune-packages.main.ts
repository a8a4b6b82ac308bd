import { readFileSync, rmSync } from 'node:fs';

import { productionPackages, type LockFile } from './production-packages.ts';

/**
 * `node scripts/prune-packages.main.ts WORKSPACE...` in an image's build: removes from node_modules
 * what these workspaces do not need in production. `npm ci --omit=dev --workspace=...` leaves there
 * what their development dependencies on other workspaces need.
 */
const read = (file: string): LockFile => JSON.parse(readFileSync(file, 'utf8')) as LockFile;
const needed = productionPackages(read('package-lock.json'), process.argv.slice(2));
const installed = Object.keys(read('node_modules/.package-lock.json').packages);
const surplus = installed.filter((path) => path.includes('node_modules/') && !needed.has(path));
for (const path of surplus) rmSync(path, { recursive: true, force: true });
console.log(`removed ${String(surplus.length)} of ${String(installed.length)} packages`);
