import { afterAll, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { makeReconcile } from '../../src/reconcile/reconcile-resource.ts';
import { pluralOf } from '../../src/runtime/kube-object.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import {
  administrator,
  documentsOf,
  installBase,
  makeResource,
  operatorClient,
} from '../../testing/operator-scene.ts';
import { testSettings } from '../../testing/example-resource.ts';
import { settleWorkloads } from '../../testing/pretend-controllers.ts';
import { recordingLogger } from '../../testing/runtime-scene.ts';
import { recordCalls } from '../../testing/recorded-client.ts';

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(async () => {
  await api?.stop();
});

type Rule = { resources: string[]; verbs: string[] };

/** What k8s/base grants in every namespace: `patch deployments`. */
const granted = (): Set<string> => {
  const [role] = documentsOf('k8s/base/cluster-role.yaml') as unknown as { rules: Rule[] }[];
  return new Set(
    (role?.rules ?? []).flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    ),
  );
};

/** Rights that this test does not use, and why they are needed. */
const unusedHere: readonly RegExp[] = [
  // Reflectors list and watch, events are told: not the reconciler's own calls.
  /^watch /,
  /^list movieticketings$/,
  /^(create|patch|list) events$/,
  // A server-side apply of what is not there asks for create; it is sent as a patch.
  /^create /,
  // Optional kinds, which this API server does not serve (optional-kinds.test.ts).
  / (httproutes|podmonitors|certificates|clusters|scheduledbackups)$/,
  // Of what is wanted no more: of these kinds some at times, Kubernetes has no narrower right.
  /^delete /,
];

testIf(hasApiServer, lacksApiServer)(
  'the ClusterRole of k8s/base grants what the operator uses and nothing else',
  async () => {
    const admin = await administrator(api!);
    const kubelet = await administrator(api!, 'kubelet');
    await installBase(admin);
    const namespace = await api!.namespace();
    const recorded = recordCalls(await operatorClient(api!));
    await makeResource(admin, namespace, {
      seed: { mode: 'demo' },
      gateway: { service: { nodePort: 31_900 }, ingress: { host: 'tickets.example.com' } },
      backup: { storage: { persistentVolumeClaim: { claimName: 'backups' } } },
      services: { users: { autoscaling: { maxReplicas: 3 } } },
    });
    const { lines, logger } = recordingLogger();
    const reconcile = makeReconcile({
      client: recorded.client,
      settings: testSettings,
      recordEvent: () => undefined,
      logger,
    });
    // A missing right is a KubeError where it concerns a read, and a refused object otherwise.
    for (let round = 0; round < 15; round += 1) {
      await reconcile(`${namespace}/shop`);
      await settleWorkloads(kubelet, namespace);
    }
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
    const used = new Set(
      recorded.calls.map(({ verb, kind }) => {
        const [plain = '', subresource] = verb.split('/');
        return `${plain} ${pluralOf(kind)}${subresource === undefined ? '' : `/${subresource}`}`;
      }),
    );
    const unused = [...granted()].filter(
      (right) => !used.has(right) && !unusedHere.some((known) => known.test(right)),
    );
    expect([...used].filter((right) => !granted().has(right))).toEqual([]);
    expect(unused).toEqual([]);
  },
  400_000,
);
