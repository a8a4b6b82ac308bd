import { spawn, type ChildProcess } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { until } from '@movie-ticketing/kit/testing/until';

const live = join(import.meta.dirname, '../live.ts');

let folder: string;
let port: number;
let running: ChildProcess | undefined;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const found = (server.address() as AddressInfo).port;
  server.close();
  await once(server, 'close');
  return found;
};

/** A program that answers with `text` and notes each of its starts. */
const program = (text: string): string => `
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
appendFileSync('${folder}/starts', '${text} ');
createServer((_, response) => response.end('${text}')).listen(${String(port)});
process.once('SIGTERM', () => process.exit(0));
`;

/** As Skaffold does it: tar replaces a file. */
const sync = (content: string): void => {
  writeFileSync(join(folder, 'incoming'), content);
  renameSync(join(folder, 'incoming'), join(folder, 'app/services/main.ts'));
};

const start = (): void => {
  running = spawn(process.execPath, [live], {
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'],
      LIVE_MAIN: 'services/main.ts',
      LIVE_FROM: join(folder, 'image'),
      LIVE_TO: join(folder, 'app'),
      PORT: String(port),
      MANAGEMENT_PORT: '0',
    },
  });
};

const stop = async (signal: NodeJS.Signals): Promise<number | null> => {
  const child = running;
  running = undefined;
  if (child === undefined) return null;
  const ended = once(child, 'exit');
  child.kill(signal);
  const [code] = (await ended) as [number | null];
  return code;
};

const get = async (path: string): Promise<string> => {
  try {
    const response = await fetch(`http://127.0.0.1:${String(port)}${path}`);
    return `${String(response.status)} ${await response.text()}`;
  } catch {
    return 'refused';
  }
};

const untilAnswered = (path: string, expected: RegExp): Promise<void> =>
  until(async () => expected.test(await get(path)));

const starts = (): string => readFileSync(join(folder, 'starts'), 'utf8').trim();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-live-'));
  port = await freePort();
  mkdirSync(join(folder, 'image/services'), { recursive: true });
  mkdirSync(join(folder, 'image/node_modules/pg'), { recursive: true });
  mkdirSync(join(folder, 'image/node_modules/@movie-ticketing'));
  symlinkSync('../../services', join(folder, 'image/node_modules/@movie-ticketing/services'));
  writeFileSync(join(folder, 'image/package.json'), '{"type": "module"}');
  writeFileSync(join(folder, 'image/services/main.ts'), program('image'));
});
afterEach(async () => {
  await stop('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

test('restarts the program once after each edit, also after the second of one file', async () => {
  start();
  await untilAnswered('/', /^200 image/);
  sync(program('first'));
  await untilAnswered('/', /^200 first/);
  sync(program('second'));
  await untilAnswered('/', /^200 second/);
  expect(starts()).toBe('image first second');
});

test('answers the probes while the program does not run, and runs it after the next edit', async () => {
  start();
  await untilAnswered('/', /^200 image/);
  sync('this is no program');
  await untilAnswered('/readyz', /^503/);
  expect(await get('/livez')).toMatch(/^200/);
  expect(await get('/movies')).toMatch(/^503/);
  sync(program('mended'));
  await untilAnswered('/movies', /^200 mended/);
});

test('keeps the edits when the container is started again', async () => {
  start();
  await untilAnswered('/', /^200 image/);
  sync(program('edited'));
  await untilAnswered('/', /^200 edited/);
  await stop('SIGTERM');
  start();
  await untilAnswered('/', /^200 edited/);
});

test('links packages to the image and our own packages to the copy', async () => {
  start();
  await untilAnswered('/', /^200 image/);
  const linked = (path: string): string => realpathSync(join(folder, 'app/node_modules', path));
  expect(linked('pg')).toBe(realpathSync(join(folder, 'image/node_modules/pg')));
  expect(linked('@movie-ticketing/services')).toBe(realpathSync(join(folder, 'app/services')));
});

test('ends the program with itself', async () => {
  start();
  await untilAnswered('/', /^200 image/);
  expect(await stop('SIGTERM')).toBe(0);
  expect(await get('/')).toBe('refused');
});
