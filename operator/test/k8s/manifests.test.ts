import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { AuthorizationV1Api } from '@kubernetes/client-node';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

import { optionalKinds, ownedKinds } from '../../src/components/components.ts';
import { pluralOf } from '../../src/runtime/kube-object.ts';
import { startApiServer, type ApiServer } from '../../testing/api-server.ts';
import { definitionOf } from '../../testing/optional-kinds.ts';
import { hasKubectl, lacksKubectl, makeKubectl, type Kubectl } from '../../testing/kubectl.ts';

const root = join(import.meta.dirname, '../../..');
const systemNamespace = 'movie-ticketing-system';
const strict = ['--server-side', '--validate=strict'];

let api: ApiServer;
let kubectl: Kubectl;
beforeAll(async () => {
  if (!hasKubectl) return;
  api = await startApiServer();
  kubectl = makeKubectl(api.kubeconfig);
  await kubectl.run(['apply', ...strict, '-k', 'k8s/base']);
  const definition = 'crd/movieticketings.movieticketing.io';
  await kubectl.run(['wait', '--for=condition=Established', definition, '--timeout=30s']);
}, 400_000);
afterAll(async () => {
  if (!hasKubectl) return;
  kubectl.close();
  await api.stop();
});

const test = (title: string, run: () => Promise<void>): void => {
  testIf(hasKubectl, lacksKubectl)(title, run, 300_000);
};

type Access = {
  group?: string;
  resource: string;
  subresource?: string;
  verb: string;
  namespace?: string;
  name?: string;
};

type Manifest = { kind: string; metadata: { name: string }; [field: string]: any };

const rendered = async (folder: string): Promise<Manifest[]> =>
  parseAllDocuments(await kubectl.run(['kustomize', folder])).map(
    (document) => document.toJS() as Manifest,
  );

const operatorOf = async (folder: string): Promise<Manifest> =>
  (await rendered(folder)).find(({ kind }) => kind === 'Deployment')!;

const kinds = [...ownedKinds, ...optionalKinds];

describe('the manifests', () => {
  test('base and each overlay can be applied on top of each other', async () => {
    await kubectl.run(['create', 'namespace', 'tickets']);
    const overlays = readdirSync(join(root, 'k8s/overlays')).map((name) => `k8s/overlays/${name}`);
    expect(overlays).toHaveLength(3);
    // Kinds of the Prometheus operator.
    for (const [kind, plural] of [
      ['PodMonitor', 'podmonitors'],
      ['PrometheusRule', 'prometheusrules'],
    ] as const) {
      const definition = definitionOf({ group: 'monitoring.coreos.com', kind, plural });
      await kubectl.run(['apply', '-f', '-'], JSON.stringify(definition));
      const name = `crd/${plural}.monitoring.coreos.com`;
      await kubectl.run(['wait', '--for=condition=Established', name, '--timeout=30s']);
    }
    for (const folder of ['k8s/base', ...overlays])
      await kubectl.run(['apply', ...strict, '--dry-run=server', '-k', folder]);
  });

  test('the API server accepts every sample', async () => {
    const samples = readdirSync(join(root, 'k8s/samples'));
    expect(samples).toEqual(expect.arrayContaining(['minimal.yaml', 'external-database.yaml']));
    for (const sample of samples) {
      const file = `k8s/samples/${sample}`;
      await kubectl.run(['apply', ...strict, '--dry-run=server', '-f', file]);
    }
  });

  test('Skaffold’s hook applies the definition', async () => {
    const script = readFileSync(join(root, 'skaffold/apply-definitions.sh'), 'utf8');
    const [, command = ''] = /^kubectl (apply .+)$/m.exec(script) ?? [];
    const applied = await kubectl.run([...command.split(' '), '--dry-run=server']);
    expect(applied).toContain('movieticketings.movieticketing.io');
  });

  test('control: an unknown field is refused', async () => {
    const odd = { ...(await operatorOf('k8s/base')) };
    odd['spec'] = { ...odd['spec'], replica: 3 };
    const applied = kubectl.run(
      ['apply', ...strict, '--dry-run=server', '-f', '-'],
      JSON.stringify(odd),
    );
    await expect(applied).rejects.toThrow('spec.replica: field not declared in schema');
  });
});

describe("the operator's pod", () => {
  const podOf = (deployment: Manifest, change: object = {}): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'operator', namespace: systemNamespace },
      spec: { ...deployment['spec'].template.spec, ...change },
    });

  test('passes restricted Pod Security', async () => {
    const dryRun = ['create', '--dry-run=server', '-f', '-'];
    for (const folder of ['k8s/base', 'k8s/overlays/minikube']) {
      const operator = await operatorOf(folder);
      await kubectl.run(dryRun, podOf(operator));
      await expect(kubectl.run(dryRun, podOf(operator, { securityContext: {} }))).rejects.toThrow(
        'violates PodSecurity "restricted:latest"',
      );
    }
  });

  test('has a read-only root file system and declares its resources', async () => {
    const [container] = (await operatorOf('k8s/base'))['spec'].template.spec.containers;
    expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    expect(container.resources.requests).toEqual({
      cpu: '50m',
      memory: '128Mi',
      'ephemeral-storage': '64Mi',
    });
    expect(container.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'management' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'management' });
  });
});

describe("the operator's rights", () => {
  const may = async (attributes: Access): Promise<boolean> => {
    const config = await api.makeClientConfig({
      serviceAccount: { namespace: systemNamespace, name: 'movie-ticketing-operator' },
    });
    const body: any = { spec: { resourceAttributes: { namespace: 'default', ...attributes } } };
    const authorization = config.makeApiClient(AuthorizationV1Api);
    const review = await authorization.createSelfSubjectAccessReview({ body });
    return review.status?.allowed === true;
  };
  const groupOf = (apiVersion: string): string =>
    apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';

  test('cover the owned kinds and no others', async () => {
    const role = (await rendered('k8s/base')).find(
      ({ kind, metadata }) =>
        kind === 'ClusterRole' && metadata.name === 'movie-ticketing-operator',
    )!;
    const made = (role['rules'] as { apiGroups: string[]; resources: string[]; verbs: string[] }[])
      .filter(({ verbs, resources }) => verbs.includes('create') && !resources.includes('events'))
      .flatMap(({ apiGroups, resources }) =>
        resources.map((resource) => `${apiGroups[0]!}/${resource}`),
      );
    expect(made.toSorted()).toEqual(
      kinds.map(({ apiVersion, kind }) => `${groupOf(apiVersion)}/${pluralOf(kind)}`).toSorted(),
    );
    for (const { apiVersion, kind } of kinds) {
      // The names of Jobs contain a hash. Jobs are listed by label and never read by name.
      const reading = kind === 'Job' ? ['list', 'watch'] : ['get', 'list', 'watch'];
      for (const verb of [...reading, 'create', 'patch']) {
        const attributes = { group: groupOf(apiVersion), resource: pluralOf(kind), verb };
        expect({ ...attributes, allowed: await may(attributes) }).toMatchObject({ allowed: true });
      }
    }
  });

  const beyond: Access[] = [
    { group: 'movieticketing.io', resource: 'movieticketings', verb: 'update' },
    { group: 'movieticketing.io', resource: 'movieticketings', verb: 'delete' },
    { resource: 'pods', verb: 'create' },
    { resource: 'pods', subresource: 'exec', verb: 'create' },
    { resource: 'serviceaccounts', subresource: 'token', verb: 'create' },
    { resource: 'secrets', verb: 'deletecollection' },
    { resource: 'persistentvolumeclaims', verb: 'delete' },
    { resource: 'nodes', verb: 'list' },
    { resource: 'namespaces', verb: 'list' },
    { group: 'rbac.authorization.k8s.io', resource: 'rolebindings', verb: 'create' },
    { group: 'coordination.k8s.io', resource: 'leases', verb: 'get' },
  ];
  test('do not reach beyond what the operator needs', async () => {
    for (const attributes of beyond) {
      expect({ ...attributes, allowed: await may(attributes) }).toMatchObject({ allowed: false });
    }
  });

  test('include its own Lease and no other', async () => {
    const lease = {
      group: 'coordination.k8s.io',
      resource: 'leases',
      namespace: systemNamespace,
      verb: 'update',
    };
    expect(await may({ ...lease, name: 'movie-ticketing-operator' })).toBe(true);
    expect(await may({ ...lease, name: 'another' })).toBe(false);
  });
});
