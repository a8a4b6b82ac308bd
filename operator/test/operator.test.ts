import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { Registry } from '@movie-ticketing/kit/metrics';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { startOperator, type RunningOperator } from '../src/operator.composition.ts';
import { operatorEnvironment } from '../src/operator.environment.ts';
import type { MovieTicketing } from '../src/resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../src/runtime/client.ts';
import { startApiServer, type ApiServer } from '../testing/api-server.ts';
import { hasKubectl, lacksKubectl, makeKubectl } from '../testing/kubectl.ts';
import { administrator, makeResource, operatorAccount } from '../testing/operator-scene.ts';
import { until } from '../testing/runtime-scene.ts';

let api: ApiServer;
let admin: KubeClient;
const running: RunningOperator[] = [];

beforeAll(async () => {
  if (!hasKubectl) return;
  api = await startApiServer();
  admin = await administrator(api);
  const kubectl = makeKubectl(api.kubeconfig);
  for (const name of ['tickets', 'elsewhere']) await kubectl.run(['create', 'namespace', name]);
  // The rights of an operator that serves the namespace `tickets` alone.
  await kubectl.run(['apply', '--server-side', '-k', 'k8s/overlays/named-namespaces']);
  kubectl.close();
}, 400_000);

afterEach(async () => {
  await Promise.all(running.splice(0).map((operator) => operator.stop()));
});

afterAll(async () => {
  if (hasKubectl) await api.stop();
});

const start = async (settings: Record<string, string>): Promise<RunningOperator> => {
  const operator = await startOperator({
    environment: operatorEnvironment.parse({
      MANAGEMENT_PORT: '0',
      HOST: '127.0.0.1',
      ...settings,
    }),
    kubeConfig: await api.makeClientConfig({ serviceAccount: operatorAccount }),
    logger: makeLogger({ service: 'test', level: 'silent' }),
    registry: new Registry(),
    onLost: () => {
      throw new Error('leadership lost');
    },
  });
  running.push(operator);
  return operator;
};

const answerOf = async (operator: RunningOperator, path: string): Promise<[number, string]> => {
  const answer = await fetch(`http://127.0.0.1:${String(operator.managementPort)}${path}`);
  return [answer.status, await answer.text()];
};

const read = async (namespace: string, name: string): Promise<MovieTicketing> =>
  (await admin.get({
    apiVersion: 'movieticketing.io/v1',
    kind: 'MovieTicketing',
    name,
    namespace,
  })) as unknown as MovieTicketing;

const test = (title: string, run: () => Promise<void>): void => {
  testIf(hasKubectl, lacksKubectl)(title, run, 300_000);
};

describe('the whole operator on a real API server', () => {
  test('with WATCH_NAMESPACES it reconciles those namespaces with rights for them only', async () => {
    await makeResource(admin, 'elsewhere', {}, 'theirs');
    const operator = await start({ WATCH_NAMESPACES: 'tickets' });
    await until('leading and synced', async () => {
      const [status] = await answerOf(operator, '/readyz');
      return operator.isLeading() && status === 200;
    });
    await makeResource(admin, 'tickets', {}, 'ours');
    await until('reconciled', async () => {
      const { status } = await read('tickets', 'ours');
      return status?.conditions?.some(({ reason }) => reason === 'DatabaseStarting') === true;
    });
    expect((await read('elsewhere', 'theirs')).status?.observedGeneration).toBeUndefined();
    const [, metrics] = await answerOf(operator, '/metrics');
    expect(metrics).toMatch(/controller_runtime_reconcile_total\{.*\} [1-9]/);
    expect(metrics).toMatch(/leader_election_master_status\{.*\} 1/);
  });

  test('without WATCH_NAMESPACES and with rights for one namespace it never becomes ready', async () => {
    const operator = await start({});
    await until('leading', () => Promise.resolve(operator.isLeading()));
    const [status, body] = await answerOf(operator, '/readyz');
    expect([status, body]).toEqual([
      503,
      expect.stringContaining('the first lists were not read yet'),
    ]);
  });
});
