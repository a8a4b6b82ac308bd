import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { makeApi, type Api } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

type Child = ChildProcessByStdio<null, Readable, Readable>;

let database: TestDatabase;
let children: Child[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
});
afterAll(() => database.drop());

const run = (env: Record<string, string>) => {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'], HOST: '127.0.0.1', PORT: '0', MANAGEMENT_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const listening = new Promise<{ api: Api; managementUrl: string }>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      output += chunk.toString();
      const line = output.split('\n').find((found) => found.includes('"listening"'));
      if (line?.endsWith('}') !== true) return;
      const { port, management_port } = JSON.parse(line) as Record<string, number>;
      resolve({
        api: makeApi(`http://127.0.0.1:${String(port)}`),
        managementUrl: `http://127.0.0.1:${String(management_port)}`,
      });
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    void exited.then(() => {
      reject(new Error(output));
    });
  });
  listening.catch(() => undefined);
  return { child, exited, listening, output: () => output };
};

const admin = (output: string) =>
  /Admin: (\S+) \/ (\S+)/.exec(output)?.slice(1) as [string, string] | undefined;

describe('the users process', () => {
  test('creates the admin once, becomes ready, stops on SIGTERM, and keeps its data and keys', async () => {
    const env = {
      DATABASE_URL: database.url,
      ADMIN_EMAIL: 'boss@example.com',
      BCRYPT_COST: '4',
    };
    const first = run(env);
    const { api, managementUrl } = await first.listening;
    const [email, password] = admin(first.output()) ?? ['', ''];
    expect(email).toBe('boss@example.com');
    const { status, body } = await api('POST', '/users/login', { body: { email, password } });
    expect([status, body.user.role]).toEqual([200, 'admin']);
    expect((await fetch(`${managementUrl}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${managementUrl}/metrics`)).text();
    expect(metrics).toContain('database_pool_connections');
    expect(metrics).toContain('users_sign_ins_total');
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    const logged = first.output().replaceAll(/^Admin:.*$/gm, '');
    for (const secret of [email, password, body.access_token, body.refresh_token]) {
      expect(logged).not.toContain(secret);
    }

    const second = run(env);
    const again = (await second.listening).api;
    expect(admin(second.output())).toBeUndefined();
    const me = await again('GET', '/users/me', { token: body.access_token });
    expect(me.status).toBe(200);
    second.child.kill('SIGTERM');
    expect(await second.exited).toBe(0);
  });

  test('an ADMIN_EMAIL of a user who is not an admin is logged and the user is unchanged', async () => {
    const env = { DATABASE_URL: database.url, BCRYPT_COST: '4' };
    const first = run(env);
    const { api } = await first.listening;
    const credentials = { email: 'customer@example.com', password: 'correct horse' };
    await api('POST', '/users/register', { body: credentials });
    first.child.kill('SIGTERM');
    await first.exited;
    const second = run({ ...env, ADMIN_EMAIL: credentials.email });
    const again = (await second.listening).api;
    expect(second.output()).toContain('ADMIN_EMAIL exists but is not an admin; unchanged');
    const { body } = await again('POST', '/users/login', { body: credentials });
    expect(body.user.role).toBe('customer');
  });

  test('names a bad variable and exits with code 2', async () => {
    const child = run({ DATABASE_URL: database.url, BCRYPT_COST: 'high' });
    expect(await child.exited).toBe(2);
    expect(child.output()).toContain('BCRYPT_COST must be a whole number from 4 to 15');
  });

  test('without a database it names DATABASE_URL and exits with code 2', async () => {
    const child = run({});
    expect(await child.exited).toBe(2);
    expect(child.output()).toContain('DATABASE_URL');
  });

  test('with a database that is not migrated it exits with code 1', async () => {
    const empty = await createTestDatabase({ empty: true });
    const child = run({ DATABASE_URL: empty.url });
    expect(await child.exited).toBe(1);
    expect(child.output()).toContain('not migrated');
    await empty.drop();
  });
});
