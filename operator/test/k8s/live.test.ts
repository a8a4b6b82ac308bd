import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const script = join(import.meta.dirname, '../../../skaffold/live.sh');

let folder: string;
let live: ChildProcess;
let said: string[];

/** A program that says what it is and then serves for ever. */
const program = (name: string): string =>
  `console.log('${name} ' + process.pid); process.on('SIGTERM', () => process.exit()); setInterval(() => {}, 1000);`;

/** As Skaffold's tar does: another file under the name. */
const sync = (contents: string): void => {
  const place = join(folder, 'to/services/shop.mjs');
  writeFileSync(`${place}.new`, contents);
  renameSync(`${place}.new`, place);
};

const heard = async (wanted: RegExp): Promise<string> => {
  for (;;) {
    const found = said.find((line) => wanted.test(line));
    if (found !== undefined) return found;
    await once(live.stdout!, 'data');
  }
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'live-'));
  for (const made of ['services', 'migrations', 'node_modules/pg'])
    mkdirSync(join(folder, 'from', made), { recursive: true });
  writeFileSync(join(folder, 'from/package.json'), '{}');
  writeFileSync(join(folder, 'from/services/shop.mjs'), program('first'));
  said = [];
  live = spawn('sh', [script], {
    env: {
      PATH: `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`,
      LIVE_FROM: join(folder, 'from'),
      LIVE_TO: join(folder, 'to'),
      LIVE_MAIN: 'services/shop.mjs',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  live.stdout!.on('data', (chunk: Buffer) => said.push(...chunk.toString().trim().split('\n')));
});

afterEach(async () => {
  if (live.exitCode === null && live.signalCode === null) {
    live.kill('SIGTERM');
    await once(live, 'exit');
  }
  rmSync(folder, { recursive: true });
});

const isRunning = (line: string): boolean => {
  try {
    return process.kill(Number(line.split(' ')[1]), 0);
  } catch {
    return false;
  }
};

describe('what skaffold dev runs in the containers', () => {
  test('when files are synced one after the other, then each is run in place of the one before', async () => {
    const first = await heard(/^first/);
    sync(program('second'));
    await heard(/^second/);
    expect(isRunning(first)).toBe(false);
    sync(program('third'));
    await heard(/^third/);
  }, 120_000);

  test('when an edit cannot run, then the next one mends it', async () => {
    await heard(/^first/);
    sync('this is no program');
    sync(`console.log('broken 0'); process.exit(1);`);
    await heard(/^broken/);
    sync(program('mended'));
    await heard(/^mended/);
  }, 120_000);

  test('when it is told to end, then the program ends too and it succeeds', async () => {
    const first = await heard(/^first/);
    live.kill('SIGTERM');
    const [code] = (await once(live, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(isRunning(first)).toBe(false);
  }, 120_000);
});
