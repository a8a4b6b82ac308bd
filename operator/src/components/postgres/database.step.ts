import { isTerminating, statusOf, type StatefulSetStatus } from '../../objects/live.ts';
import { keyOf, refOf, type Manifest, type OwnedRef } from '../../objects/manifest.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';
import { changesFor, isUpToDate, manifestOf } from '../../steps/component.ts';
import { isPodReady, podsOf, problemOfPods } from '../../steps/pod-problems.ts';
import { refusalOf } from '../../steps/refusals.ts';
import {
  done,
  waiting,
  type Context,
  type Finding,
  type Step,
  type StepResult,
} from '../../steps/step.ts';
import { decideCluster } from '../cloudnative-pg/cluster.step.ts';
import { databaseTarget } from '../database-connection.ts';
import { isCloudNativePg, isManaged, serviceNames } from '../names.ts';
import {
  databaseAuthorities,
  databaseLogin,
  externalLogin,
  findContent,
} from '../secret-contents.ts';
import { certificateProblem, certificateSecret } from './certificate.ts';
import { checkImage, problemOfCheck } from './image-check.ts';
import { databaseSecret, postgres, statefulSet } from './postgres.component.ts';
import { liveVolume, storageClassProblem } from './volume-storage.ts';

/** The database accepts connections, and the Secret with its login exists. */
export const databaseAcceptsConnections: Step = {
  name: 'database',
  condition: 'DatabaseReady',
  decide: (context) => {
    if (isManaged(context.resource)) return decideManaged(context);
    return isCloudNativePg(context.resource) ? decideCluster(context) : decideExternal(context);
  },
};

const decideExternal = (context: Context): StepResult => {
  const logins = [
    databaseLogin(context),
    ...serviceNames.map((service) => externalLogin(context, service)),
  ];
  const missing = logins.find((login) => 'reason' in login);
  if (missing !== undefined) return waiting(missing, { serving: context.installed });
  const authorities = databaseAuthorities(context);
  if (authorities !== undefined && 'reason' in authorities)
    return waiting(authorities, { serving: context.installed });
  // The migrations are the first to connect, and report whether it answers.
  const { host, port } = databaseTarget(context.resource);
  return done({
    reason: 'DatabaseExternal',
    message: `Migrations and services use ${host}:${String(port)}.`,
  });
};

const decideManaged = (context: Context): StepResult => {
  const secret = findContent(context, 'Secret', databaseSecret.name(context.resource));
  if (secret === undefined || isTerminating(secret)) return withoutPassword(context);
  const desired = manifestOf(statefulSet, context);
  const result = judge(context, desired);
  const login = databaseLogin(context);
  if ('reason' in login) return { ...result, ...waiting(login, { serving: result.serving }) };
  const check = checkImage(context);
  const certificate = certificateProblem(context);
  // A pod that cannot mount its certificate does not start.
  const isReady = check.image !== undefined && certificate === undefined;
  const objects = isReady ? postgres.owns : postgres.owns.filter((o) => o !== statefulSet);
  const changes = changesFor(context, objects);
  return {
    ...(certificate === undefined
      ? result
      : { ...waiting(certificate, { serving: result.serving }), requeueAfterMs: 1_000 }),
    create: changes.create,
    apply: [...changes.apply, ...check.apply],
    delete: [...stuckPods(context, desired), ...check.delete],
  };
};

/** The password comes before the volume: a volume that exists was initialized with a password. */
const withoutPassword = (context: Context): StepResult => {
  const volume = liveVolume(context);
  if (volume === undefined) {
    return waiting(
      { reason: 'DatabaseStarting', message: 'Creating the database password.' },
      { ...changesFor(context, [databaseSecret, certificateSecret]), requeueAfterMs: 1_000 },
    );
  }
  const { readyReplicas = 0 } = statusOf<StatefulSetStatus>(liveStatefulSet(context));
  return waiting(passwordLost(context, volume), { serving: readyReplicas > 0 });
};

const passwordLost = ({ resource }: Context, { metadata }: KubeObject): Finding => ({
  reason: 'PasswordLost',
  message: `The Secret ${databaseSecret.name(resource)} was deleted, and the volume ${metadata.name} can be opened only with its password. Create the Secret again with the keys username (postgres) and password, from a backup, and the label movieticketing.io/resource=${resource.metadata.name}. Only if the data may be lost: delete the PersistentVolumeClaim ${metadata.name} and the pod ${metadata.name}-0.`,
});

const liveStatefulSet = (context: Context): KubeObject | undefined =>
  context.observed.owned.get(keyOf(manifestOf(statefulSet, context)));

/** Kubernetes deletes a volume once no pod uses it, and a deletion cannot be undone. */
const volumeDeleted = (volume: KubeObject | undefined): Finding | undefined =>
  volume === undefined || !isTerminating(volume)
    ? undefined
    : {
        reason: 'VolumeDeleted',
        message: `The PersistentVolumeClaim ${volume.metadata.name} is marked for deletion: it is deleted, with all data, when the pod ${volume.metadata.name}-0 ends. Dump the database now (docs/back-up-and-restore.md), then delete that pod: an empty database is created.`,
      };

const judge = (context: Context, desired: Manifest): StepResult => {
  const { observed } = context;
  const key = keyOf(desired);
  const live = observed.owned.get(key);
  const status = statusOf<StatefulSetStatus>(live);
  const ready = podsOf(observed, 'postgres').some(isPodReady) && (status.readyReplicas ?? 0) > 0;
  const problem =
    volumeDeleted(liveVolume(context)) ??
    refusalOf(
      observed,
      postgres.owns.map((object) => manifestOf(object, context)),
    ) ??
    storageClassProblem(context);
  const check = checkImage(context);
  const isRequested = check.image === context.resource.spec.database.managed?.image;
  const additionalProblem = problem ?? (isRequested ? undefined : problemOfCheck(check));
  const additional = additionalProblem === undefined ? {} : { additionalProblem };
  const complete =
    isUpToDate(observed, desired) &&
    (status.observedGeneration ?? 0) >= (live?.metadata.generation ?? 0) &&
    (status.updateRevision === undefined || status.updateRevision === status.currentRevision);
  if (ready && complete) {
    // With the former image the database serves, but is not as specified while the new one is checked.
    if (!isRequested && check.finding !== undefined && problemOfCheck(check) === undefined) {
      return waiting(check.finding, { serving: true, status: 'True', ...additional });
    }
    return done(
      { reason: 'DatabaseAccepting', message: 'PostgreSQL accepts connections.' },
      additional,
    );
  }
  return waiting(
    // What keeps the pod from running comes first: a volume that cannot grow stops no database.
    problemOfPods(observed, 'postgres', key) ??
      problem ??
      (isRequested ? undefined : check.finding) ?? {
        reason: 'DatabaseStarting',
        message: 'PostgreSQL is starting.',
      },
    { serving: ready, ...additional },
  );
};

/** A StatefulSet does not replace a pod that never became ready, even after its template was corrected. */
const stuckPods = (context: Context, desired: Manifest): OwnedRef[] => {
  const { observed } = context;
  const live = observed.owned.get(keyOf(desired));
  const { updateRevision, observedGeneration = 0 } = statusOf<StatefulSetStatus>(live);
  if (live === undefined || !isUpToDate(observed, desired)) return [];
  if (observedGeneration < (live.metadata.generation ?? 0)) return [];
  return podsOf(observed, 'postgres')
    .filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === live.metadata.uid))
    .filter(
      (pod) =>
        pod.metadata.labels?.['controller-revision-hash'] !== updateRevision && !isPodReady(pod),
    )
    .map(refOf);
};
