import { setTimeout as pause } from 'node:timers/promises';

import type { MovieTicketing } from '../src/resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../src/runtime/client.ts';
import {
  hasApiServer,
  lacksApiServer,
  startApiServer,
  type ApiServer,
} from '../testing/api-server.ts';
import { administrator, installBase, makeResource } from '../testing/operator-scene.ts';
import { settleWorkloads } from '../testing/pretend-controllers.ts';

import { requestsOf, startOperator, writesOf, type Operator } from './operator-process.ts';

/**
 * `npm run bench:operator [-- 1 100 1000]`: what that many custom resources cost the operator and the API server. The
 * API server is real, and the operator is a process of its own; what controllers and kubelets would do is pretended.
 * All of it shares the machine.
 */

const perNamespace = 50;
const settleWithinMs = 30 * 60_000;

const say = (text: string): void => {
  console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
};

type Place = { namespace: string; name: string };

const placesOf = (count: number): Place[] =>
  Array.from({ length: count }, (_, index) => ({
    namespace: `scale-${String(Math.floor(index / perNamespace))}`,
    name: `cinema-${String(index)}`,
  }));

const namespacesOf = (places: readonly Place[]): string[] => [
  ...new Set(places.map(({ namespace }) => namespace)),
];

/** Some at a time, as a client with good manners would. */
const forEach = async <T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> => {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
};

type Scene = { api: ApiServer; admin: KubeClient; places: Place[] };

const resourcesIn = async ({ admin }: Scene): Promise<MovieTicketing[]> =>
  (await admin.list({ apiVersion: 'movieticketing.io/v1', kind: 'MovieTicketing' }, {}))
    .items as unknown as MovieTicketing[];

const isReady = ({ status, metadata }: MovieTicketing): boolean =>
  status?.observedGeneration === metadata.generation &&
  status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ===
    true;

const readyCount = async (scene: Scene): Promise<number> =>
  (await resourcesIn(scene)).filter(isReady).length;

/** The controllers of the cluster, one round after the other, until they are stopped. */
const pretend = (kubelet: KubeClient, places: readonly Place[]): { stop: () => Promise<void> } => {
  let stopped = false;
  const isStopped = (): boolean => stopped;
  const running = (async () => {
    while (!isStopped()) {
      for (const namespace of namespacesOf(places)) await settleWorkloads(kubelet, namespace);
      await pause(200);
    }
  })();
  return {
    stop: () => {
      stopped = true;
      return running;
    },
  };
};

const seconds = (since: number): number => (performance.now() - since) / 1_000;

const waitUntilReady = async (scene: Scene): Promise<void> => {
  const end = performance.now() + settleWithinMs;
  for (let said = 0; ;) {
    const ready = await readyCount(scene);
    if (ready === scene.places.length) return;
    if (performance.now() > end) throw new Error(`only ${String(ready)} became Ready`);
    if (performance.now() - said > 15_000) {
      say(`${String(ready)} of ${String(scene.places.length)} Ready`);
      said = performance.now();
    }
    await pause(Math.min(2_000, 100 + scene.places.length));
  }
};

/** Nothing waits and nothing runs, and nothing was requested for a moment. */
const waitUntilQuiet = async (operator: Operator): Promise<void> => {
  for (let before = -1, quiet = 0; quiet < 4;) {
    const now = await requestsOf(operator);
    const busy = (await operator.metric('workqueue_depth')) > 0 || now - before > 2;
    quiet = busy ? 0 : quiet + 1;
    before = now;
    await pause(500);
  }
};

/** From an edit of one resource to its effect in an owned object. */
const editToEffect = async (scene: Scene, count: number): Promise<number[]> => {
  const took: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const place = scene.places[(index * 37) % scene.places.length] ?? { namespace: '', name: '' };
    const holdMinutes = 20 + index;
    const since = performance.now();
    await scene.admin.merge(
      { apiVersion: 'movieticketing.io/v1', kind: 'MovieTicketing', ...place },
      { spec: { bookings: { holdMinutes } } },
    );
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', namespace: place.namespace };
    for (;;) {
      const found = await scene.admin.get({ ...settings, name: `${place.name}-bookings` });
      const data = found?.['data'] as Record<string, string> | undefined;
      if (data?.['HOLD_MINUTES'] === String(holdMinutes)) break;
      await pause(10);
    }
    took.push(seconds(since));
  }
  return took.sort((a, b) => a - b);
};

const gatewayOf = ({ namespace, name }: Place) => ({
  apiVersion: 'v1',
  kind: 'Service',
  namespace,
  name: `${name}-gateway`,
});

/** Somebody edits an owned object of every resource. @returns how long until all are as specified again */
const driftStorm = async ({ admin, places }: Scene): Promise<number> => {
  const since = performance.now();
  await forEach(places, (place) =>
    admin.merge(gatewayOf(place), { spec: { selector: { app: 'nobody' } } }),
  );
  for (const place of places) {
    for (;;) {
      const found = await admin.get(gatewayOf(place));
      if (!JSON.stringify(found?.['spec']).includes('nobody')) break;
      await pause(50);
    }
  }
  return seconds(since);
};

type Row = Record<string, string>;

const perSecond = (count: number, over: number): string => (count / over).toFixed(1);
const megabytes = async (operator: Operator): Promise<string> =>
  ((await residentBytes(operator)) / 2 ** 20).toFixed(0);
const residentBytes = (operator: Operator): Promise<number> =>
  operator.metric('process_resident_memory_bytes');

const install = async (scene: Scene, operator: Operator): Promise<Row> => {
  const since = performance.now();
  await forEach(scene.places, ({ namespace, name }) =>
    makeResource(
      scene.admin,
      namespace,
      { gateway: { service: { type: 'ClusterIP' } }, seed: { mode: 'none' } },
      name,
    ),
  );
  await waitUntilReady(scene);
  const took = seconds(since);
  const requests = await requestsOf(operator);
  return {
    'install: all Ready, s': took.toFixed(1),
    'install: requests a resource': (requests / scene.places.length).toFixed(0),
    'install: requests/s': perSecond(requests, took),
  };
};

const restart = async (scene: Scene, operator: Operator, since: number): Promise<Row> => {
  while ((await operator.metric('controller_runtime_reconcile_total')) < scene.places.length)
    await pause(100);
  const took = seconds(since);
  const requests = await requestsOf(operator);
  const edit = (await editToEffect(scene, 1))[0] ?? 0;
  return {
    'start: everything looked at, s': took.toFixed(1),
    'start: requests a resource': (requests / scene.places.length).toFixed(0),
    'start: an edit then takes, s': edit.toFixed(2),
  };
};

const restSeconds = 60;

const rest = async (operator: Operator): Promise<Row> => {
  const read = async (): Promise<[number, number, number]> => [
    await requestsOf(operator),
    await writesOf(operator),
    await operator.metric('process_cpu_seconds_total'),
  ];
  const before = await read();
  await pause(restSeconds * 1_000);
  const after = await read();
  const [requests, writes, processor] = after.map(
    (value, index) => value - (before[index] ?? 0),
  ) as [number, number, number];
  return {
    'rest: requests/s': perSecond(requests, restSeconds),
    'rest: writes': String(writes),
    'rest: processor, % of a core': ((processor / restSeconds) * 100).toFixed(1),
    'rest: memory, MiB': await megabytes(operator),
  };
};

const edits = async (scene: Scene): Promise<Row> => {
  const took = await editToEffect(scene, 30);
  return {
    'edit to effect: median, s': (took[Math.floor(took.length / 2)] ?? Number.NaN).toFixed(2),
    'edit to effect: slowest of 30, s': (took.at(-1) ?? Number.NaN).toFixed(2),
  };
};

const storm = async (scene: Scene, operator: Operator): Promise<Row> => {
  const before = await requestsOf(operator);
  const took = await driftStorm(scene);
  return {
    'drift of all: put right after, s': took.toFixed(1),
    'drift of all: requests/s': perSecond((await requestsOf(operator)) - before, took),
    'highest memory, MiB': await megabytes(operator),
  };
};

const measure = async (count: number): Promise<Row> => {
  say(`${String(count)} resources`);
  const api = await startApiServer();
  const admin = await administrator(api);
  const kubelet = await administrator(api, 'kubelet');
  const places = placesOf(count);
  const scene = { api, admin, places };
  await installBase(admin);
  for (const name of namespacesOf(places))
    await admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  let operator = await startOperator(api, process.env);
  const controllers = pretend(kubelet, places);
  try {
    const installed = await install(scene, operator);
    await waitUntilQuiet(operator);
    say('all Ready; the operator is started again');
    await operator.stop();
    const since = performance.now();
    operator = await startOperator(api, process.env);
    const started = await restart(scene, operator, since);
    await waitUntilQuiet(operator);
    await controllers.stop();
    say('at rest for a minute');
    const resting = await rest(operator);
    const edited = await edits(scene);
    const stormed = await storm(scene, operator);
    return {
      resources: String(count),
      ...installed,
      ...started,
      ...resting,
      ...edited,
      ...stormed,
    };
  } finally {
    await controllers.stop();
    await operator.stop();
    await api.stop();
  }
};

if (!hasApiServer) throw new Error(`bench:operator needs ${lacksApiServer}`);
// The API server's process does not keep this one running.
setInterval(() => undefined, 60_000);
const sizes = process.argv.slice(2).map(Number);
const rows: Row[] = [];
for (const size of sizes.length === 0 ? [1, 100] : sizes) {
  rows.push(await measure(size));
  console.log('');
  for (const name of Object.keys(rows[0] ?? {}))
    console.log(`| ${[name, ...rows.map((row) => row[name] ?? '')].join(' | ')} |`);
}
process.exit(0);
