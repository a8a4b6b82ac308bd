import { namesOf, serviceNames } from '../src/children/names.ts';
import { givenRefs, wantedRefs } from '../src/children/wanted-refs.ts';
import { holderOf, isOurs } from '../src/children/labels.ts';
import { componentOf, imageIn } from '../src/reconcile/live.ts';
import { decide } from '../src/reconcile/decide.ts';
import type { KubeObject } from '../src/runtime/kube-object.ts';
import {
  keyOf,
  keyOfRef,
  type ApplyError,
  type ChildKey,
  type ChildWarning,
  type Manifest,
  type Observed,
  type OperatorSettings,
  type Plan,
} from '../src/reconcile/observed.ts';
import {
  specSchema,
  type MovieTicketing,
  type MovieTicketingSpecInput,
} from '../src/resource/movie-ticketing.schema.ts';
import { testSettings } from './example-resource.ts';

/**
 * A cluster in memory, as far as the decision can see: it keeps what is applied, fills in what a server
 * would, and its workloads come up when asked to. A clock of its own.
 */

type Failure = { exitCode: number; message: string };

export const makeSimulatedCluster = (
  resource: MovieTicketing,
  settings: OperatorSettings = testSettings,
) => {
  const objects = new Map<ChildKey, KubeObject>();
  const others = new Map<ChildKey, KubeObject>();
  let pods: KubeObject[] = [];
  let serial = 0;
  let now = new Date('2026-03-01T00:00:00Z');

  const cluster = {
    resource,
    settings,
    objects,
    /** Objects of others: Secrets that the spec names, or names that are taken. */
    others,
    applyErrors: new Map<ChildKey, ApplyError>(),
    warnings: [] as ChildWarning[],
    /** By component: what its Job's program ends with. */
    jobFailure: new Map<string, Failure>(),
    /** By component: what its Job's program says last where it does not fail. */
    jobMessage: new Map<string, string>(),
    /** Components whose pods run and are no longer ready. */
    lost: new Set<string>(),
    /** By component: what waits instead of a ready pod. */
    waiting: new Map<string, { reason: string; message: string }>(),
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
      const foreign = wantedRefs(current)
        .map(keyOfRef)
        .flatMap((key) => {
          const object = others.get(key);
          return object === undefined ? [] : [[key, holderOf(object, current)] as const];
        });
      return {
        resource: current,
        children: new Map([...objects].filter(([, object]) => isOurs(object, current))),
        foreign: new Map(foreign),
        given: new Map(
          givenRefs(current)
            .map(keyOfRef)
            .flatMap((key) => {
              const object = others.get(key);
              return object === undefined ? [] : [[key, object] as const];
            }),
        ),
        pods,
        warnings: cluster.warnings,
        applyErrors: cluster.applyErrors,
        now,
        fresh: {
          databasePassword: `database-password-${String(serial)}`,
          adminPassword: `admin-password-${String(serial)}`,
          adminId: `id${String(serial)}`,
        },
      };
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

    remove(key: ChildKey): void {
      const uid = objects.get(key)?.metadata.uid;
      objects.delete(key);
      pods = pods.filter(
        ({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid) !== true,
      );
    },

    /** One pass of the operator, and then what the cluster's own controllers make of it. */
    step(): Plan {
      const plan = decide(cluster.observe(), settings);
      cluster.carryOut(plan);
      cluster.settle();
      cluster.tick(1);
      return plan;
    },

    /** Passes until a plan is empty, or as many as given. */
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

    /** Workloads come up, Jobs end, as far as nothing was said to keep them from it. */
    settle(): void {
      for (const object of objects.values()) {
        if (object.kind === 'Deployment') settleDeployment(object);
        if (object.kind === 'StatefulSet') settleStatefulSet(object);
        if (object.kind === 'Job') settleJob(object);
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
      // What the server keeps though this apply does not name it.
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
    // As the real one: a pod that never became ready is not replaced.
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
  const names = namesOf(cluster.resource);
  return Object.fromEntries(
    [...serviceNames, 'gateway' as const].map((component) => [
      component,
      imageIn(
        cluster.objects.get(
          `Deployment/${component === 'gateway' ? names.gateway : names.service(component)}`,
        ),
      ),
    ]),
  );
};
