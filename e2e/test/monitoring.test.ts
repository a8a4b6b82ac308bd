import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { rows } from '../../monitoring/src/dashboard.ts';
import { findDebianTool, prometheus as prometheusPackage } from '../../scripts/debian-tool.ts';
import { apply, get, kubectl } from '../testing/kubectl.ts';
import { startLoad, stopLoads } from '../testing/load.ts';
import { operatorNamespace } from '../testing/operator.ts';
import { startPrometheus, type Prometheus } from '../testing/prometheus.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import type { Ticketing } from '../testing/ticketing.ts';
import { secondsSince, waitFor } from '../testing/waiting.ts';

let cinema: Ticketing;
let prometheus: Prometheus | undefined;

const tool = findDebianTool(prometheusPackage);

beforeAll(async () => {
  if ('missing' in tool) throw new Error(`This scenario needs Prometheus. ${tool.missing}`);
  cinema = await ensureCinema();
  await apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'backups', namespace: cinema.namespace },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  await cinema.change({
    backup: {
      schedule: '0 0 30 2 *',
      verify: { schedule: '0 0 30 2 *' },
      storage: { persistentVolumeClaim: { claimName: 'backups' } },
    },
  });
  for (const component of ['backup', 'verify']) {
    const cron = `${cinema.name}-${component}`;
    await waitFor(cron, () => get(cinema.namespace, 'cronjob', cron));
    const [job, from] = [`for-metrics-${component}`, `cronjob/${cron}`];
    await kubectl(['create', 'job', '-n', cinema.namespace, `--from=${from}`, job]);
    const ended = ['wait', '-n', cinema.namespace, '--for=condition=complete', `job/${job}`];
    await kubectl([...ended, '--timeout=110s']);
  }
  await cinema.condition('RestoreVerified', 'True');
  prometheus = await startPrometheus(tool.command, [cinema.namespace, operatorNamespace]);
});

afterAll(async () => {
  await stopLoads();
  await prometheus?.stop();
  await kubectl([
    'scale',
    '-n',
    operatorNamespace,
    'deploy/movie-ticketing-operator',
    '--replicas=2',
  ]);
  await cinema.change({ backup: null });
  await cinema.ready();
});

const ask = (): Prometheus => {
  if (prometheus === undefined) throw new Error('Prometheus did not start');
  return prometheus;
};

const queries = rows.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries));

/** As Grafana fills it in. */
const filledIn = (expr: string): string =>
  expr
    .replaceAll('$namespace', cinema.namespace)
    .replaceAll('$resource', cinema.name)
    .replaceAll('$__rate_interval', '30s');

test('under load every query of the dashboard has data, and no alert fires', async () => {
  const load = await startLoad(cinema.url);
  const withoutData = async (): Promise<string[]> => {
    const values = await Promise.all(
      queries.map(async ([expr]) => [expr, await ask().query(filledIn(expr))] as const),
    );
    return values
      .filter(([, found]) => !found.some((value) => Number.isFinite(value)))
      .map(([expr]) => expr);
  };
  await waitFor('data for every query', async () => (await withoutData()).length === 0, {
    everyMs: 1_000,
    seen: withoutData,
  });
  const { failed } = await load.stop();
  expect(failed).toEqual([]);
  expect(await ask().fired()).toEqual([]);
});

const errorRatios = (): Promise<number[]> =>
  ask().query('{__name__=~"movie_ticketing:availability_errors:.*"}');

const firesWithin = async (names: string[], started: number): Promise<void> => {
  await waitFor(
    names.join(', '),
    async () => {
      const fired = await ask().fired();
      return names.every((name) => fired.includes(name));
    },
    { everyMs: 1_000, seen: async () => [await ask().fired(), await errorRatios()] },
  );
  console.log(`${names.join(', ')} after ${secondsSince(started)}`);
};

/** A transaction that holds a lock for so long that bookings time out. */
const holdLock = (seconds: number): Promise<string> => {
  const sql = `BEGIN; LOCK TABLE screenings IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(${String(seconds)}); COMMIT`;
  const pod = `${cinema.name}-postgres-0`;
  const psql = ['psql', '-U', 'postgres', '-d', 'movie_ticketing', '-c', sql];
  return kubectl(['exec', '-n', cinema.namespace, pod, '--', ...psql]);
};

test('bookings that fail fire the alert about the error budget', async () => {
  await startLoad(cinema.url);
  const started = performance.now();
  const held = holdLock(45);
  await firesWithin(['MovieTicketingErrorsFast'], started);
  await held;
  await stopLoads();
});

test('a system without pods that book fires the alert about availability', async () => {
  const started = performance.now();
  await cinema.change({ services: { bookings: { replicas: 0 } } });
  await firesWithin(['MovieTicketingUnavailable'], started);
  await cinema.change({ services: null });
  await cinema.ready();
});

test('an operator that is gone fires the alert about it', async () => {
  const started = performance.now();
  await kubectl([
    'scale',
    '-n',
    operatorNamespace,
    'deploy/movie-ticketing-operator',
    '--replicas=0',
  ]);
  await firesWithin(['MovieTicketingOperatorDown'], started);
});
