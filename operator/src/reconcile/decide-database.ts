import { databaseTarget } from '../children/database-connection.ts';
import { postgresConfigMap } from '../children/postgres-parameters.ts';
import {
  largerSize,
  postgresService,
  postgresStatefulSet,
  postgresVolume,
} from '../children/postgres.ts';
import { secretKey } from '../children/manifest.ts';
import { contentsOf, databaseSecret } from '../children/secrets.ts';
import { isGoing, stateOf, type StatefulSetState } from './live.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import { keyOf, type ChildRef, type Manifest } from './observed.ts';
import { isPodReady, podsOf, problemOfPods } from './pod-problems.ts';
import {
  deletionOf,
  done,
  isSettled,
  refusal,
  toApply,
  waiting,
  type Context,
  type Finding,
  type StepResult,
} from './step.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';

type Managed = NonNullable<MovieTicketing['spec']['database']['managed']>;

/** Step one: a database that takes connections, and the Secret that opens it. */
export const decideDatabase = (context: Context): StepResult => {
  const { managed } = context.resource.spec.database;
  return managed === undefined ? decideExternal(context) : decideManaged(context, managed);
};

/** The Secret with the database's login: its contents' hash, or what is wrong with it. */
export const databaseLogin = ({ observed, resource }: Context): { hash: string } | Finding => {
  const { secretName } = databaseTarget(resource);
  const key = secretKey(secretName);
  return usable(observed.given.get(key) ?? observed.children.get(key), secretName, [
    'username',
    'password',
  ]);
};

/** Hash of a Secret's or ConfigMap's contents, or what it lacks. */
export const usable = (
  object: KubeObject | undefined,
  name: string,
  keys: readonly string[],
  kind: 'Secret' | 'ConfigMap' = 'Secret',
): { hash: string } | Finding => {
  if (object === undefined || isGoing(object)) {
    return {
      reason: `${kind}Missing`,
      message: `The ${kind} ${name} is not there. Create it with the keys ${keys.join(' and ')}.`,
    };
  }
  const { keys: present, hash } = contentsOf(object);
  const missing = keys.filter((key) => !present.has(key));
  return missing.length === 0
    ? { hash }
    : {
        reason: `${kind}Invalid`,
        message: `The ${kind} ${name} lacks ${missing.join(' and ')}. It needs the keys ${keys.join(' and ')}.`,
      };
};

const decideExternal = (context: Context): StepResult => {
  const login = databaseLogin(context);
  if ('reason' in login) return waiting(login, { serving: context.installed });
  // Whether it answers is found out by the migrations, which are the first to ask it anything.
  const { host, port } = databaseTarget(context.resource);
  return done({
    reason: 'DatabaseExternal',
    message: `Migrations and services use ${host}:${String(port)}.`,
  });
};

const decideManaged = (context: Context, managed: Managed): StepResult => {
  const { observed, resource, names } = context;
  const volume = observed.children.get(`PersistentVolumeClaim/${names.postgres}`);
  const secret = observed.children.get(secretKey(names.databaseSecret));
  const statefulSet = observed.children.get(`StatefulSet/${names.postgres}`);
  if (secret === undefined || isGoing(secret)) {
    const running = stateOf<StatefulSetState>(statefulSet).readyReplicas ?? 0;
    if (volume !== undefined) {
      const { name } = resource.metadata;
      const lost = passwordLost(name, names.databaseSecret, names.postgres);
      return waiting(lost, { serving: running > 0 });
    }
    // Before the volume: a volume that is there has its password.
    return waiting(
      { reason: 'DatabaseStarting', message: 'The database’s password is being made.' },
      { create: [databaseSecret(resource, observed.fresh)], requeueAfterMs: 1_000 },
    );
  }
  const wanted = manifestsOf(resource, managed, volume);
  const result = stateOfManaged(context, wanted, volume);
  const login = databaseLogin(context);
  if ('reason' in login) return { ...result, ...waiting(login, { serving: result.serving }) };
  return { ...result, apply: toApply(observed, wanted.all), delete: stuckPods(context, wanted) };
};

const passwordLost = (resource: string, secret: string, volume: string): Finding => ({
  reason: 'PasswordLost',
  message: `The Secret ${secret} is gone and the volume ${volume} is there, which opens with its password alone. Create the Secret again with the keys username (postgres) and password, from a backup, and the label movieticketing.io/resource=${resource}. Only if the data may go: delete the PersistentVolumeClaim ${volume} and the pod ${volume}-0.`,
});

/** Kubernetes deletes a volume once no pod uses it, and takes no deletion back. */
const volumeDeleted = (volume: KubeObject | undefined): Finding | undefined =>
  volume === undefined || !isGoing(volume)
    ? undefined
    : {
        reason: 'VolumeDeleted',
        message: `Somebody deleted the PersistentVolumeClaim ${volume.metadata.name}: it goes, with all data, when the pod ${volume.metadata.name}-0 ends. Dump the database now (docs/operate.md), then delete that pod: an empty database takes its place.`,
      };

type Wanted = { all: Manifest[]; statefulSet: Manifest };

const manifestsOf = (
  resource: MovieTicketing,
  managed: Managed,
  volume: KubeObject | undefined,
): Wanted => {
  const size = largerSize(managed.storage.size, sizeOf(volume));
  const statefulSet = postgresStatefulSet(resource, managed);
  return {
    statefulSet,
    all: [
      databaseSecret(resource),
      postgresVolume(resource, managed, size),
      postgresConfigMap(resource, managed),
      postgresService(resource),
      statefulSet,
    ],
  };
};

const sizeOf = (volume: KubeObject | undefined): string | undefined =>
  (volume?.['spec'] as { resources?: { requests?: { storage?: string } } } | undefined)?.resources
    ?.requests?.storage;

const stateOfManaged = (
  context: Context,
  wanted: Wanted,
  volume: KubeObject | undefined,
): StepResult => {
  const { observed } = context;
  const key = keyOf(wanted.statefulSet);
  const live = observed.children.get(key);
  const state = stateOf<StatefulSetState>(live);
  const ready = podsOf(observed, 'postgres').some(isPodReady) && (state.readyReplicas ?? 0) > 0;
  const wrong = volumeDeleted(volume) ?? refusal(observed, wanted.all);
  const rolled =
    isSettled(observed, wanted.statefulSet) &&
    (state.observedGeneration ?? 0) >= (live?.metadata.generation ?? 0) &&
    (state.updateRevision === undefined || state.updateRevision === state.currentRevision);
  if (ready && rolled) {
    return done(
      { reason: 'DatabaseAccepting', message: 'PostgreSQL takes connections.' },
      wrong === undefined ? {} : { alsoWrong: wrong },
    );
  }
  return waiting(
    wrong ??
      problemOfPods(observed, 'postgres', key) ?? {
        reason: 'DatabaseStarting',
        message: 'PostgreSQL is starting.',
      },
    { serving: ready },
  );
};

/** A StatefulSet does not replace a pod that never became ready, not even after its template is right. */
const stuckPods = ({ observed }: Context, { statefulSet }: Wanted): ChildRef[] => {
  const live = observed.children.get(keyOf(statefulSet));
  const { updateRevision, observedGeneration = 0 } = stateOf<StatefulSetState>(live);
  if (live === undefined || !isSettled(observed, statefulSet)) return [];
  if (observedGeneration < (live.metadata.generation ?? 0)) return [];
  return podsOf(observed, 'postgres')
    .filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === live.metadata.uid))
    .filter(
      (pod) =>
        pod.metadata.labels?.['controller-revision-hash'] !== updateRevision && !isPodReady(pod),
    )
    .map(deletionOf);
};
