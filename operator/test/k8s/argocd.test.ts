import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { findDebianTool, lua } from '../../../scripts/debian-tool.ts';
import type { MovieTicketing } from '../../src/resource/movie-ticketing.schema.ts';
import { resourceOf } from '../../testing/example-resource.ts';
import { installed } from '../../testing/installed-cluster.ts';
import { makeSimulatedCluster } from '../../testing/simulated-cluster.ts';

const script = join(import.meta.dirname, '../../../k8s/argocd/health.lua');
const tool = findDebianTool(lua);
const hasLua = 'command' in tool;
const lacksLua = hasLua ? '' : tool.missing;

const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-argocd-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A JSON value as Lua writes it. */
const luaOf = (value: unknown): string => {
  if (Array.isArray(value)) return `{${value.map(luaOf).join(',')}}`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${fields.map(([name, inner]) => `[${JSON.stringify(name)}]=${luaOf(inner)}`).join(',')}}`;
};

/** What Argo CD would say of a resource. */
const healthOf = ({ metadata, status }: MovieTicketing): { status: string; message: string } => {
  const file = join(folder, 'main.lua');
  writeFileSync(
    file,
    `obj = ${luaOf({ metadata, status })}
local health = dofile(${JSON.stringify(script)})
io.write(health.status, "\\n", health.message)`,
  );
  const { stdout, stderr } = spawnSync(hasLua ? tool.command : 'lua', [file], { encoding: 'utf8' });
  if (stderr !== '') throw new Error(stderr);
  const [health = '', message = ''] = stdout.split('\n');
  return { status: health, message };
};

describe('the health of a resource in Argo CD', () => {
  testIf(hasLua, lacksLua)('follows an installation', () => {
    const cluster = makeSimulatedCluster(resourceOf());
    expect(healthOf(cluster.resource).status).toBe('Progressing');
    cluster.step();
    expect(healthOf(cluster.resource).status).toBe('Progressing');
    cluster.run();
    expect(healthOf(cluster.resource)).toEqual({
      status: 'Healthy',
      message: '1.0.0 is running.',
    });
  });

  testIf(hasLua, lacksLua)('is not that of an older spec', () => {
    const cluster = installed();
    cluster.respec({ bookings: { holdMinutes: 5 } });
    expect(healthOf(cluster.resource)).toMatchObject({
      status: 'Progressing',
      message: expect.stringContaining('has not seen the last change'),
    });
  });

  testIf(hasLua, lacksLua)('names a problem', () => {
    const cluster = installed();
    cluster.waiting.set('users', { reason: 'ErrImagePull', message: 'not found' });
    cluster.respec({ version: '1.1.0' });
    cluster.run(8);
    const { status, message } = healthOf(cluster.resource);
    expect(status).toBe('Degraded');
    expect(message).toContain('cannot be pulled');
  });

  testIf(hasLua, lacksLua)('is suspended while reconciling is paused', () => {
    const cluster = installed();
    cluster.respec({ paused: true });
    cluster.step();
    expect(healthOf(cluster.resource).status).toBe('Suspended');
  });
});
