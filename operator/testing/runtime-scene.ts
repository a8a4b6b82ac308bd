import { makeLogger, type Logger } from '@movie-ticketing/kit/logging';
import { Registry } from '@movie-ticketing/kit/metrics';
import { setTimeout as delay } from 'node:timers/promises';
import { makeKubeClient, type KubeClient } from '../src/runtime/client.ts';
import type { ApiServer } from './api-server.ts';
import { startFaultyProxy, type FaultyProxy } from './faulty-proxy.ts';

export const silentLogger = (): Logger => makeLogger({ service: 'test', level: 'silent' });

export type LogLine = {
  level: string;
  message: string;
  error?: { message: string };
  [field: string]: unknown;
};

/** A logger whose lines a test can read. */
export const recordingLogger = (): { lines: LogLine[]; logger: Logger } => {
  const lines: LogLine[] = [];
  const write = (line: string): void => {
    lines.push(JSON.parse(line) as LogLine);
  };
  return { lines, logger: makeLogger({ service: 'test', level: 'debug' }, { write }) };
};

/** A client through a proxy that injects faults, and a namespace. */
export type Scene = {
  namespace: string;
  registry: Registry;
  proxy: FaultyProxy;
  /** Through the proxy. */
  client: KubeClient;
  /** Directly to the API server. */
  direct: KubeClient;
};

export const withScene = async (
  api: ApiServer,
  run: (scene: Scene) => Promise<void>,
): Promise<void> => {
  const proxy = await startFaultyProxy(api.kubeconfig.getCurrentCluster()!.server);
  const registry = new Registry();
  const kubeConfig = await api.makeClientConfig({ server: proxy.url });
  const client = makeKubeClient({ kubeConfig, fieldManager: 'test', registry });
  const namespace = await api.namespace();
  try {
    await run({ namespace, registry, proxy, client, direct: api.client });
  } finally {
    await proxy.stop();
  }
};

/** @throws where the condition does not become true within `withinMs` */
export const until = async (
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> => {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${String(withinMs)} ms: ${what}`);
    await delay(10);
  }
};

export const configMap = (
  namespace: string,
  name: string,
  data: Record<string, string> = {},
  labels: Record<string, string> = {},
) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data });

export const configMaps = { apiVersion: 'v1', kind: 'ConfigMap' };
