import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { startApiServer, type ApiServer } from '../../operator/testing/api-server.ts';
import {
  hasKubectl,
  lacksKubectl,
  makeKubectl,
  type Kubectl,
} from '../../operator/testing/kubectl.ts';

const plugin = join(import.meta.dirname, '../kubectl-movie_ticketing');
const namespace = 'tickets';
const planted = 'planted-password-of-the-test';
const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-bundle-'));

let api: ApiServer;
let kubectl: Kubectl;

beforeAll(async () => {
  if (!hasKubectl) return;
  api = await startApiServer();
  kubectl = makeKubectl(api.kubeconfig);
  await kubectl.run(['apply', '--server-side', '-k', 'crds']);
  const definition = 'crd/movieticketings.movieticketing.io';
  await kubectl.run(['wait', '--for=condition=Established', definition, '--timeout=30s']);
  await kubectl.run(['create', 'namespace', namespace]);
  const labels = { 'movieticketing.io/resource': 'cinema' };
  const objects = [
    {
      apiVersion: 'movieticketing.io/v1',
      kind: 'MovieTicketing',
      metadata: { name: 'cinema', namespace, annotations: { note: `mentions ${planted}` } },
      spec: {},
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'cinema-logins', namespace, labels },
      stringData: { 'users-username': 'mt_users_a', 'users-password': planted },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'cinema-users', namespace, labels },
      data: { LEAK: `postgres://mt_users_a:${planted}@postgres`, CURRENCY: 'USD' },
    },
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'cinema-backup', namespace, labels },
      spec: {
        schedule: '0 0 * * *',
        jobTemplate: {
          spec: {
            template: {
              spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] },
            },
          },
        },
      },
    },
  ];
  for (const object of objects) await kubectl.run(['apply', '-f', '-'], JSON.stringify(object));
}, 400_000);

afterAll(async () => {
  rmSync(folder, { recursive: true });
  if (!hasKubectl) return;
  kubectl.close();
  await api.stop();
});

const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } => {
  const path = [
    dirname(process.execPath),
    process.env['KUBEBUILDER_ASSETS'],
    process.env['PATH'],
  ].join(':');
  return spawnSync(plugin, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: path, KUBECONFIG: kubectl.config, HOME: folder },
  });
};

const test = (title: string, body: () => Promise<void>): void => {
  testIf(hasKubectl, lacksKubectl)(title, body, 60_000);
};

const annotations = async (): Promise<Record<string, string>> => {
  const read = ['get', 'mt', 'cinema', '-n', namespace, '-o', 'json'];
  const { metadata } = JSON.parse(await kubectl.run(read)) as {
    metadata: { annotations: Record<string, string> };
  };
  return metadata.annotations;
};

describe('kubectl movie-ticketing', () => {
  test('shows the status of a resource', () => {
    const { status, stdout } = run('status', 'cinema', '-n', namespace);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'tickets/cinema  Pending\n' });
    return Promise.resolve();
  });

  test('pauses, resumes and rotates', async () => {
    expect(run('pause', 'cinema', '-n', namespace).status).toBe(0);
    expect(await annotations()).toHaveProperty(['movieticketing.io/paused'], 'true');
    expect(run('resume', 'cinema', '-n', namespace).status).toBe(0);
    expect(await annotations()).not.toHaveProperty(['movieticketing.io/paused']);
    expect(run('rotate', 'cinema', 'passwords', '-n', namespace).status).toBe(0);
    expect(await annotations()).toHaveProperty(['movieticketing.io/rotate-database-passwords']);
    expect(run('rotate', 'cinema', 'keys', '-n', namespace).status).toBe(0);
    expect(await annotations()).toHaveProperty(['movieticketing.io/rotate-signing-keys']);
  });

  test('starts a backup', async () => {
    expect(run('backup', 'cinema', '-n', namespace)).toMatchObject({ status: 0 });
    expect(await kubectl.run(['get', 'jobs', '-n', namespace, '-o', 'name'])).toContain(
      'job.batch/cinema-backup-',
    );
  });

  test('writes a bundle without a value of a Secret', () => {
    const { status, stdout } = run('bundle', 'cinema', 'bundle', '-n', namespace);
    expect({ status, stdout }).toMatchObject({ status: 0 });
    const files = readdirSync(join(folder, 'bundle'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    const all = files.join('\n');
    expect(files.length).toBeGreaterThan(5);
    // The control: these were collected, and what is no secret is there.
    expect(all).toContain('CURRENCY: USD');
    expect(all).toContain('mentions (hidden)');
    expect(all).toContain('users-password');
    expect(all).not.toContain(planted);
    expect(all).not.toContain(Buffer.from(planted).toString('base64'));
    return Promise.resolve();
  });

  test('says what kubectl said, and what it does itself', () => {
    const missing = run('status', 'nobody', '-n', namespace);
    expect(missing).toMatchObject({ status: 1, stderr: expect.stringContaining('not found') });
    for (const args of [['status'], ['dance', 'cinema'], ['rotate', 'cinema'], ['status', '--x']]) {
      const refused = run(...args, '-n', namespace);
      expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('bundle NAME') });
    }
    expect(run('help').stdout).toContain('bundle NAME');
    return Promise.resolve();
  });
});
