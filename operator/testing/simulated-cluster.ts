import { namedRefs } from '../src/components/components.ts';
import { nameOf, serviceNames } from '../src/components/names.ts';
import { referencedContents } from '../src/components/referenced.ts';
import { describeOwner, isOwnedBy } from '../src/objects/ownership.ts';
import { componentOf, imageIn } from '../src/objects/live.ts';
import { decide } from '../src/reconcile/decide.ts';
import type { KubeObject } from '../src/runtime/kube-object.ts';
import { keyOf, keyOfRef, type ObjectKey, type Manifest } from '../src/objects/manifest.ts';
import type { Refusal, ObjectWarning, Observed } from '../src/steps/observed.ts';
import type { OperatorSettings } from '../src/objects/settings.ts';
import type { Plan } from '../src/reconcile/plan.ts';
import {
  specSchema,
  type MovieTicketing,
  type MovieTicketingSpecInput,
} from '../src/resource/movie-ticketing.schema.ts';
import { freshFor, testSettings } from './example-resource.ts';
import { healthyCluster, templateAnnotations, withReplicas } from './workload-fields.ts';

/**
 * A cluster in memory, as far as `decide` can see: it stores what is applied, fills in what the API server
 * would, and its workloads become ready when `settle` is called. It has a clock of its own.
 */

type Failure = { exitCode: number; message: string };

/** What the official image `postgres:17.6` prints. */
const versionOutput = (image = ''): string =>
  `postgres (PostgreSQL) ${image.split(':')[1] ?? '17.6'} (Debian)`;

export const makeSimulatedCluster = (
  resource: MovieTicketing,
  settings: OperatorSettings = testSettings,
) => {
  const objects = new Map<ObjectKey, KubeObject>();
  const others = new Map<ObjectKey, KubeObject>();
  let pods: KubeObject[] = [];
  let serial = 0;
  let now = new Date('2026-03-01T00:00:00Z');

  const cluster = {
    resource,
    settings,
    objects,
    /** Objects of users: Secrets that the spec references, or objects that have a needed name. */
    others,
    refusals: new Map<ObjectKey, Refusal>(),
    namespaceIsTerminating: false,
    warnings: [] as ObjectWarning[],
    /** By component: the exit code and termination message of its Job. */
    jobFailure: new Map<string, Failure>(),
    /** By component: the termination message of its Job where it succeeds. */
    jobMessage: new Map<string, string>(),
    /** Components whose pods run but are not ready any more. */
    lost: new Set<string>(),
    /** By component: why its containers wait and do not run. */
    waiting: new Map<string, { reason: string; message: string }>(),
    /** Optional kinds that it does not serve. */
    absentKinds: new Map<string, 'missing' | 'forbidden'>(),
    /** Every plan that was carried out. */
    plans: [] as Plan[],

    get pods(): readonly KubeObject[] {
      return pods;
    },

    tick(seconds: number): void {
      now = new Date(now.getTime() + seconds * 1_000);
    },

    observe(): Observed {
      const { resource: current } = cluster;
      const conflicting = namedRefs(current)
        .map(keyOfRef)
        .flatMap((key) => {
          const object = others.get(key);
          return object === undefined ? [] : [[key, describeOwner(object, current)] as const];
        });
      return {
        resource: current,
        owned: new Map([...objects].filter(([, object]) => isOwnedBy(object, current))),
        conflicting: new Map(conflicting),
        referenced: new Map(
          referencedContents(current)
            .map(keyOfRef)
            .flatMap((key) => {
              const object = others.get(key);
              return object === undefined ? [] : [[key, object] as const];
            }),
        ),
        pods,
        warnings: cluster.warnings,
        absentKinds: cluster.absentKinds,
        refusals: cluster.refusals,
        namespaceIsTerminating: cluster.namespaceIsTerminating,
        now,
        fresh: freshFor(serial, now),
      };
    },

    /** Pods without an owner in this cluster, in place of the earlier ones. */
    addPods(made: KubeObject[]): void {
      pods = [...pods.filter(({ metadata }) => metadata.ownerReferences !== undefined), ...made];
    },

    carryOut(plan: Plan): void {
      cluster.plans.push(plan);
      for (const manifest of plan.create) {
        if (!objects.has(keyOf(manifest))) store(manifest);
      }
      for (const manifest of plan.apply) store(manifest);
      for (const ref of plan.delete) {
        if (ref.kind === 'Pod') pods = pods.filter(({ metadata }) => metadata.name !== ref.name);
        else cluster.remove(keyOfRef(ref));
      }
      cluster.resource = { ...cluster.resource, status: plan.status };
    },

    remove(key: ObjectKey): void {
      const uid = objects.get(key)?.metadata.uid;
      objects.delete(key);
      pods = pods.filter(
        ({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid) !== true,
      );
    },

    /** One reconcile, followed by one pass of the cluster's own controllers. */
    step(): Plan {
      const plan = decide(cluster.observe(), settings);
      cluster.carryOut(plan);
      cluster.settle();
      cluster.tick(1);
      return plan;
    },

    /** Steps until a plan is empty, or the given number of steps. */
    run(passes = 30): Plan {
      let plan = cluster.step();
      for (let pass = 1; pass < passes && !isEmptyPlan(plan, cluster); pass += 1) {
        plan = cluster.step();
      }
      return plan;
    },

    respec(spec: MovieTicketingSpecInput): void {
      const { metadata } = cluster.resource;
      cluster.resource = {
        ...cluster.resource,
        metadata: { ...metadata, generation: metadata.generation + 1 },
        spec: specSchema.parse(spec),
      };
    },

    condition(type: string) {
      return cluster.resource.status?.conditions?.find((found) => found.type === type);
    },

    /** Workloads become ready and Jobs end, unless the settings above prevent it. */
    settle(): void {
      for (const object of objects.values()) {
        if (object.kind === 'Deployment') settleDeployment(object);
        if (object.kind === 'StatefulSet') settleStatefulSet(object);
        if (object.kind === 'Job') settleJob(object);
        if (object.kind === 'Cluster') settleCluster(object);
      }
    },
  };

  const store = (manifest: Manifest): void => {
    const key = keyOf(manifest);
    const before = objects.get(key);
    serial += 1;
    const changed = JSON.stringify(before?.['spec']) !== JSON.stringify(manifest['spec']);
    objects.set(key, {
      ...before,
      ...structuredClone(manifest),
      metadata: {
        ...structuredClone(manifest.metadata),
        uid: before?.metadata.uid ?? `uid-${String(serial)}`,
        resourceVersion: String(serial),
        creationTimestamp: before?.metadata.creationTimestamp ?? now.toISOString(),
        generation: (before?.metadata.generation ?? 0) + (changed ? 1 : 0),
      },
      ...(manifest.kind === 'Deployment' ? { spec: withReplicas(manifest, before) } : {}),
      // Data that the API server keeps although this apply does not contain them.
      ...(manifest.kind === 'Secret' ? { data: manifest['data'] ?? before?.['data'] } : {}),
    });
  };

  const podOf = (
    owner: KubeObject,
    index: number,
    status: object,
    revision?: string,
  ): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${owner.metadata.name}-${String(index)}`,
      namespace: 'cinema',
      uid: `uid-pod-${owner.metadata.name}-${String(index)}`,
      creationTimestamp: now.toISOString(),
      annotations: templateAnnotations(owner),
      labels: {
        ...owner.metadata.labels,
        ...(revision === undefined ? {} : { 'controller-revision-hash': revision }),
      },
      ownerReferences: [
        {
          apiVersion: owner.apiVersion,
          kind: owner.kind,
          name: owner.metadata.name,
          uid: owner.metadata.uid ?? '',
        },
      ],
    },
    status,
  });

  const replacePods = (owner: KubeObject, made: KubeObject[]): void => {
    pods = [
      ...pods.filter(
        ({ metadata }) => !metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid),
      ),
      ...made,
    ];
  };

  const podStatus = (owner: KubeObject): object => {
    const waits = cluster.waiting.get(componentOf(owner) ?? '');
    const image = imageIn(owner);
    return waits === undefined
      ? {
          hostIP: '10.0.0.1',
          conditions: [{ type: 'Ready', status: 'True' }],
          containerStatuses: [{ image, ready: true, restartCount: 0, state: {} }],
        }
      : {
          conditions: [{ type: 'Ready', status: 'False' }],
          containerStatuses: [{ image, ready: false, restartCount: 0, state: { waiting: waits } }],
        };
  };

  const settleDeployment = (object: KubeObject): void => {
    const { replicas } = object['spec'] as { replicas: number };
    const stuck = cluster.waiting.has(componentOf(object) ?? '');
    const lost = cluster.lost.has(componentOf(object) ?? '');
    const before = object['status'] as
      { availableReplicas?: number; conditions?: object[] } | undefined;
    const available = lost ? 0 : stuck ? (before?.availableReplicas ?? 0) : replicas;
    replacePods(
      object,
      Array.from({ length: replicas }, (_, index) => podOf(object, index, podStatus(object))),
    );
    object['status'] = {
      observedGeneration: object.metadata.generation,
      replicas: stuck ? replicas + 1 : replicas,
      updatedReplicas: stuck ? 1 : replicas,
      readyReplicas: available,
      availableReplicas: available,
      ...(lost ? { conditions: before?.conditions ?? [notAvailable()] } : {}),
    };
  };

  const notAvailable = (): object => ({
    type: 'Available',
    status: 'False',
    lastTransitionTime: now.toISOString(),
  });

  const settleStatefulSet = (object: KubeObject): void => {
    const revision = `revision-${JSON.stringify(object['spec']).length.toString()}-${imageIn(object) ?? ''}`;
    const [pod] = pods.filter(({ metadata }) => metadata.name === `${object.metadata.name}-0`);
    const stuck = cluster.waiting.has('postgres');
    const podRevision = pod?.metadata.labels?.['controller-revision-hash'];
    const podReady = pod !== undefined && JSON.stringify(pod['status']).includes('"True"');
    // As in Kubernetes: a pod that never became ready is not replaced.
    if (pod === undefined || podReady || podRevision === revision) {
      replacePods(object, [podOf(object, 0, podStatus(object), revision)]);
    }
    const arrived = !stuck && (pod === undefined || podReady || podRevision === revision);
    object['status'] = {
      observedGeneration: object.metadata.generation,
      readyReplicas: arrived ? 1 : 0,
      currentRevision: arrived ? revision : 'revision-before',
      updateRevision: revision,
    };
  };

  /** As CloudNativePG would, once the Secrets that it makes are there. */
  const settleCluster = (object: KubeObject): void => {
    if (!others.has(`Secret/${object.metadata.name}-app`)) return;
    object['status'] ??= healthyCluster;
  };

  const settleJob = (object: KubeObject): void => {
    const component = componentOf(object) ?? '';
    const { conditions } = (object['status'] ?? {}) as { conditions?: unknown };
    if (conditions !== undefined) return;
    if (cluster.waiting.has(component)) {
      replacePods(object, [podOf(object, 0, podStatus(object))]);
      return;
    }
    const failure = cluster.jobFailure.get(component);
    const message =
      failure?.message ??
      cluster.jobMessage.get(component) ??
      (component === 'postgres-check' ? versionOutput(imageIn(object)) : undefined) ??
      'Done; the database is at 0005_seed_runs';
    const terminated = { exitCode: failure?.exitCode ?? 0, message };
    replacePods(object, [podOf(object, 0, { containerStatuses: [{ state: { terminated } }] })]);
    const at = now.toISOString();
    object['status'] =
      failure === undefined
        ? {
            completionTime: at,
            conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: at }],
          }
        : { conditions: [{ type: 'Failed', status: 'True', lastTransitionTime: at }] };
  };

  return cluster;
};

export type SimulatedCluster = ReturnType<typeof makeSimulatedCluster>;

export const isEmptyPlan = (plan: Plan, { resource }: { resource: MovieTicketing }): boolean =>
  plan.create.length + plan.apply.length + plan.delete.length === 0 &&
  plan.status === resource.status &&
  plan.requeueAfterMs === undefined;

/** The images that Deployments run, by component. */
export const imagesIn = (cluster: SimulatedCluster): Record<string, string | undefined> => {
  return Object.fromEntries(
    [...serviceNames, 'gateway' as const].map((component) => [
      component,
      imageIn(cluster.objects.get(`Deployment/${nameOf(cluster.resource, component)}`)),
    ]),
  );
};
