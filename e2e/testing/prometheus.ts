import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';

import { ruleGroups } from '../../monitoring/src/rules.ts';
import { freePort } from '../../operator/testing/api-server.ts';
import { kubectlProgram, list } from './kubectl.ts';
import { waitFor } from './waiting.ts';

export type Prometheus = {
  /** The values of an instant query. */
  query: (expr: string) => Promise<number[]>;
  /** Names of the alerts that fired at any time since its start. */
  fired: () => Promise<string[]>;
  stop: () => Promise<void>;
};

/** Leads to the API server, which leads to the pods: their addresses need not be reachable from here. */
const startProxy = async (): Promise<{ port: number; process: ChildProcess }> => {
  const process = spawn(kubectlProgram, ['proxy', '--port=0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: process.stdout })) {
    const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port !== undefined) return { port: Number(port), process };
  }
  throw new Error('kubectl proxy ended');
};

const scrapeConfig = {
  job_name: 'pods',
  file_sd_configs: [{ files: ['targets.json'] }],
  relabel_configs: [
    { source_labels: ['path'], target_label: '__metrics_path__' },
    { regex: 'path', action: 'labeldrop' },
  ],
};

/** The pods with a management port. Debian's Prometheus cannot look for them itself. */
const targetsIn = async (namespaces: readonly string[], proxyPort: number): Promise<object[]> => {
  const pods = (await Promise.all(namespaces.map((namespace) => list(namespace, 'pods')))).flat();
  return pods
    .filter(
      ({ status, spec }) =>
        status?.phase === 'Running' && JSON.stringify(spec).includes('"name":"management"'),
    )
    .map(({ metadata: { name, namespace = '', labels } }) => ({
      targets: [`127.0.0.1:${String(proxyPort)}`],
      labels: {
        namespace,
        pod: name,
        resource: labels?.['movieticketing.io/resource'] ?? '',
        path: `/api/v1/namespaces/${namespace}/pods/${name}:9090/proxy/metrics`,
      },
    }));
};

/** The rules, whose alerts fire after ten seconds: what they wait for otherwise is tested by promtool. */
const impatientRules = (): object => ({
  groups: ruleGroups().map((group) => ({
    ...group,
    interval: '2s',
    rules: group.rules.map((rule) => ('alert' in rule ? { ...rule, for: '10s' } : rule)),
  })),
});

/** A Prometheus on this machine that reads the pods of these namespaces every two seconds. */
export const startPrometheus = async (
  program: string,
  namespaces: readonly string[],
): Promise<Prometheus> => {
  const folder = mkdtempSync(join(tmpdir(), 'e2e-prometheus-'));
  const proxy = await startProxy();
  writeFileSync(
    join(folder, 'rules.yaml'),
    stringify(impatientRules(), { aliasDuplicateObjects: false }),
  );
  writeFileSync(
    join(folder, 'prometheus.yaml'),
    stringify({
      global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '2s' },
      rule_files: ['rules.yaml'],
      scrape_configs: [scrapeConfig],
    }),
  );
  const writeTargets = async (): Promise<void> => {
    const targets = await targetsIn(namespaces, proxy.port);
    // In one step: Prometheus reads the file as soon as it changes.
    writeFileSync(join(folder, 'targets.new'), JSON.stringify(targets));
    renameSync(join(folder, 'targets.new'), join(folder, 'targets.json'));
  };
  await writeTargets();
  let stopped = false;
  const isStopped = (): boolean => stopped;
  const following = (async () => {
    while (!isStopped()) {
      await pause(2_000);
      // While the API server is busy the last targets stay.
      await writeTargets().catch(() => undefined);
    }
  })();
  const port = await freePort();
  const server = spawn(
    program,
    [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const url = `http://127.0.0.1:${String(port)}`;
  await waitFor('Prometheus', async () => (await fetch(`${url}/-/ready`)).ok, { seconds: 30 });
  const ask = async (
    expr: string,
  ): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`);
    const body = (await answer.json()) as { error?: string; data?: { result: [] } };
    if (body.data === undefined) throw new Error(`${expr}: ${String(body.error)}`);
    return body.data.result;
  };
  return {
    query: async (expr) => (await ask(expr)).map(({ value: [, text] }) => Number(text)),
    fired: async () =>
      (await ask('max by (alertname) (max_over_time(ALERTS{alertstate="firing"}[1h]))')).map(
        ({ metric }) => metric['alertname'] ?? '',
      ),
    stop: async () => {
      stopped = true;
      await following;
      proxy.process.kill();
      server.kill();
      await once(server, 'close');
      rmSync(folder, { recursive: true });
    },
  };
};
