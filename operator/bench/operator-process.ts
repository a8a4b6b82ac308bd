import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

import { freePort, type ApiServer } from '../testing/api-server.ts';
import { operatorAccount } from '../testing/operator-scene.ts';

/** An operator in a process of its own. */
export type Operator = {
  /** A counter or gauge, summed over its labels. */
  metric: (name: string, labels?: RegExp) => Promise<number>;
  stop: () => Promise<void>;
};

const sumOf = (text: string, name: string, labels: RegExp): number =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.test(line))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

/** Over a connection of its own. */
const textAt = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      text(response).then(resolve, reject);
    }).on('error', reject);
  });

/** @param environment of this process */
export const startOperator = async (
  api: ApiServer,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Operator> => {
  const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-scale-'));
  const config = await api.makeClientConfig({ serviceAccount: operatorAccount });
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, config.exportConfig());
  const port = await freePort();
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, '../src/main.ts')],
    {
      env: {
        ...environment,
        KUBECONFIG: kubeconfig,
        HOST: '127.0.0.1',
        MANAGEMENT_PORT: String(port),
        LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const scrape = (): Promise<string> => textAt(`http://127.0.0.1:${String(port)}/metrics`);
  while ((await scrape().catch(() => undefined)) === undefined) await pause(100);
  return {
    metric: async (name, labels = /./) => sumOf(await scrape(), name, labels),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(folder, { recursive: true });
    },
  };
};

export const requestsOf = (operator: Operator): Promise<number> =>
  operator.metric('rest_client_requests_total');
/** Besides the renewals of the Lease, which are PUTs. */
export const writesOf = (operator: Operator): Promise<number> =>
  operator.metric('rest_client_requests_total', /method="(POST|PATCH|DELETE)"/);
