import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startProgram, type StartedProgram } from '@movie-ticketing/kit/testing/started-program';
import { until } from '@movie-ticketing/kit/testing/until';

const script = join(import.meta.dirname, '../wait-until-ready.mjs');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-wait-test-'));
  mkdirSync(join(folder, 'objects'));
  // A kubectl that prints what lies in a file: -n NAMESPACE get KIND NAME ...
  writeFileSync(
    join(folder, 'kubectl'),
    `#!/bin/sh\nfile="${folder}/objects/$4-$5"\nif [ -e "$file" ]; then cat "$file"; fi\n`,
    { mode: 0o755 },
  );
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const object = (kind: string, name: string, content: object): void => {
  writeFileSync(join(folder, 'objects', `${kind}-${name}`), JSON.stringify(content));
};
const workload = (kind: string, name: string, container: object): void => {
  object(kind, name, { spec: { template: { spec: { containers: [container] } } } });
};

type Condition = { type: string; status: string; reason: string; message: string };

const cluster = (images: Record<string, string>, conditions: Condition[]): void => {
  workload('deployment', 'movie-ticketing-operator', {
    env: [
      { name: 'POD_NAME', valueFrom: {} },
      { name: 'IMAGE_CATALOG', value: 'catalog:new' },
      { name: 'IMAGE_MIGRATIONS', value: 'migrations:new' },
    ],
  });
  workload('deployment', 'cinema-catalog', { image: images['catalog'] });
  workload('job', 'cinema-migrate-1', { image: images['migrations'] });
  object('movieticketing', 'cinema', {
    metadata: { generation: 1 },
    status: { observedGeneration: 1, conditions, migrations: { lastJob: 'cinema-migrate-1' } },
  });
};

const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: 'Serving.' };
const failed = [
  { type: 'Ready', status: 'False', reason: 'MigrationFailed', message: '0003 was edited' },
  { type: 'Degraded', status: 'True', reason: 'MigrationFailed', message: '0003 was edited' },
];
const current = { catalog: 'catalog:new', migrations: 'migrations:new' };

const wait = (...flags: string[]): StartedProgram =>
  startProgram(script, ['default', 'cinema', ...flags], {
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
    READY_UNCHANGED_SECONDS: '2',
  });

test('ends when the resource is Ready with the new images', async () => {
  cluster(current, [ready]);
  const { output, ended } = wait();
  expect(await ended).toBe(0);
  expect(output()).toContain('cinema is Ready with the new images');
});

test.each([
  ['a Deployment', { ...current, catalog: 'catalog:old' }, 'catalog does not use catalog:new yet'],
  [
    'the migration Job',
    { ...current, migrations: 'migrations:old' },
    'migrations does not use migrations:new yet',
  ],
])('waits while %s uses an old image, although the resource is Ready', async (_, images, text) => {
  cluster(images, [ready]);
  const { output, ended } = wait();
  await until(() => output().includes(text));
  cluster(current, [ready]);
  expect(await ended).toBe(0);
});

test('fails with the reason when the resource does not become Ready', async () => {
  cluster(current, failed);
  const { output, ended } = wait();
  expect(await ended).toBe(1);
  expect(output()).toContain('MigrationFailed: 0003 was edited');
  expect(output()).toContain('A migration that was applied cannot be edited');
});

test('reports the reason and lets skaffold dev continue', async () => {
  cluster(current, failed);
  const { output, ended } = wait('--then-continue');
  expect(await ended).toBe(0);
  expect(output()).toContain('MigrationFailed: 0003 was edited');
  expect(output()).toContain('the next edit may mend it');
});
