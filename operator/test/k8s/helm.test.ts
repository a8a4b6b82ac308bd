import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { parseAllDocuments } from 'yaml';

import { findGoTool } from '../../../scripts/go-tool.ts';
import { startApiServer, type ApiServer } from '../../testing/api-server.ts';
import { hasKubectl, lacksKubectl, makeKubectl, type Kubectl } from '../../testing/kubectl.ts';

const root = join(import.meta.dirname, '../../..');
const chart = 'charts/movie-ticketing';
const namespace = 'movie-ticketing-system';

const tool = findGoTool({
  name: 'helm',
  package: 'helm.sh/helm/v4/cmd/helm',
  version: 'v4.3.1',
  versionArgs: ['version', '--short'],
});
const canRun = hasKubectl && 'command' in tool;
const why = 'missing' in tool ? tool.missing : lacksKubectl;

let api: ApiServer;
let kubectl: Kubectl;

beforeAll(async () => {
  if (!canRun) return;
  api = await startApiServer();
  kubectl = makeKubectl(api.kubeconfig);
  await kubectl.run(['create', 'namespace', namespace]);
}, 400_000);

afterAll(async () => {
  if (!canRun) return;
  kubectl.close();
  await api.stop();
});

const test = (title: string, run: () => Promise<void>): void => {
  testIf(canRun, why)(title, run, 120_000);
};

const tryHelm = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync('command' in tool ? tool.command : 'helm', args, { cwd: root, encoding: 'utf8' });

const helm = (...args: string[]): string => {
  const { status, stdout, stderr } = tryHelm(...args);
  if (status !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr}`);
  return stdout;
};

const onServer = (...args: string[]): string =>
  helm(...args, '--kubeconfig', kubectl.config, '--namespace', namespace);

type Manifest = {
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
};

const manifestsIn = (text: string): Record<string, Manifest> =>
  Object.fromEntries(
    parseAllDocuments(text)
      .map((document) => document.toJS() as Manifest | null)
      .filter((manifest) => manifest !== null)
      // Helm creates no namespace: --create-namespace does.
      .filter(({ kind }) => kind !== 'Namespace')
      .map((manifest) => {
        const { kind, metadata } = manifest;
        // The chart alone asks Helm to keep the definition.
        const { 'helm.sh/resource-policy': _, ...annotations } = metadata.annotations ?? {};
        return [
          `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
          { ...manifest, metadata: { ...metadata, annotations } },
        ];
      }),
  );

const templated = (...args: string[]): Record<string, Manifest> =>
  manifestsIn(helm('template', 'tickets', chart, '--namespace', namespace, ...args));

describe('the chart', () => {
  test('installs by default what k8s/base does', async () => {
    expect(templated()).toEqual(manifestsIn(await kubectl.run(['kustomize', 'k8s/base'])));
  });

  test('installs for named namespaces what the overlay does', async () => {
    expect(templated('--set', 'watchNamespaces={tickets}')).toEqual(
      manifestsIn(await kubectl.run(['kustomize', 'k8s/overlays/named-namespaces'])),
    );
  });

  test('installs with monitoring what the component does', () => {
    const objects = templated(
      '--set',
      'monitoring.enabled=true',
      '--set',
      'monitoring.labels.release=x',
    );
    expect(Object.keys(objects)).toEqual(
      expect.arrayContaining([
        `PodMonitor ${namespace}/movie-ticketing-operator`,
        `PrometheusRule ${namespace}/movie-ticketing`,
        `ConfigMap ${namespace}/movie-ticketing-dashboard`,
      ]),
    );
    const rule = objects[`PrometheusRule ${namespace}/movie-ticketing`];
    expect(rule).toMatchObject({ metadata: { labels: { release: 'x' } } });
    expect(JSON.stringify(rule)).toContain('{{ $labels.resource }}');
    return Promise.resolve();
  });

  test('uses every value that is set', () => {
    const values = [
      'replicas=3',
      'image.digest=sha256:' + 'a'.repeat(64),
      'imagePullSecrets[0].name=registry',
      'logLevel=debug',
      'nodeSelector.disk=fast',
      'tolerations[0].operator=Exists',
      'priorityClassName=high',
      'resources.limits.memory=512Mi',
    ];
    const objects = templated(...values.flatMap((value) => ['--set', value]));
    expect(objects[`Deployment ${namespace}/movie-ticketing-operator`]).toMatchObject({
      spec: {
        replicas: 3,
        template: {
          spec: {
            imagePullSecrets: [{ name: 'registry' }],
            nodeSelector: { disk: 'fast' },
            tolerations: [{ operator: 'Exists' }],
            priorityClassName: 'high',
            containers: [
              {
                image: `movie-ticketing-operator@sha256:${'a'.repeat(64)}`,
                env: expect.arrayContaining([{ name: 'LOG_LEVEL', value: 'debug' }]),
                resources: { limits: { memory: '512Mi' } },
              },
            ],
          },
        },
      },
    });
    return Promise.resolve();
  });

  test('refuses a value that it does not know', () => {
    const { status, stderr } = tryHelm('template', 'tickets', chart, '--set', 'replica=3');
    expect(status).not.toBe(0);
    expect(stderr).toContain('replica');
    return Promise.resolve();
  });

  test('updates the definition with an upgrade, and keeps it and the resources when it is removed', async () => {
    const definition = 'crd/movieticketings.movieticketing.io';
    const hasField = async (): Promise<boolean> =>
      (await kubectl.run(['get', definition, '-o', 'json'])).includes('"restoreFrom"');
    onServer('install', 'tickets', chart);
    expect(await hasField()).toBe(true);
    // As an older version of the chart would have left it.
    const path = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/restoreFrom';
    const older = JSON.stringify([{ op: 'remove', path }]);
    await kubectl.run(['patch', definition, '--type=json', '-p', older]);
    expect(await hasField()).toBe(false);
    onServer('upgrade', 'tickets', chart, '--force-conflicts');
    expect(await hasField()).toBe(true);
    const resource = {
      apiVersion: 'movieticketing.io/v1',
      kind: 'MovieTicketing',
      metadata: { name: 'cinema', namespace },
      spec: {},
    };
    await kubectl.run(['apply', '-f', '-'], JSON.stringify(resource));
    onServer('uninstall', 'tickets');
    expect(await kubectl.run(['get', 'mt', '-n', namespace, '-o', 'name'])).toContain('cinema');
  });
});
