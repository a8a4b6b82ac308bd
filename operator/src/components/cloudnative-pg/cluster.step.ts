import { isTerminating, statusOf, type LiveCondition } from '../../objects/live.ts';
import { keyOf } from '../../objects/manifest.ts';
import { changesFor, isUpToDate, manifestOf, missingKind } from '../../steps/component.ts';
import { refusalOf } from '../../steps/refusals.ts';
import { done, waiting, type Context, type Finding, type StepResult } from '../../steps/step.ts';
import { shortened } from '../../steps/text.ts';
import { databaseAuthorities, databaseLogin } from '../secret-contents.ts';
import { cluster, clusterObjects } from './cluster.ts';

type ClusterStatus = {
  conditions: LiveCondition[];
  phase: string;
  phaseReason: string;
  readyInstances: number;
  currentPrimary: string;
};

/** A Cluster is not ready while it fails over, which takes seconds. */
const toleratedMs = 60_000;

const conditionOf = ({ conditions }: Partial<ClusterStatus>, type: string) =>
  conditions?.find((condition) => condition.type === type);

/** How a condition of the Cluster is not as it should be; undefined: it is, or is not reported. */
const failureOf = (status: Partial<ClusterStatus>, type: string): string | undefined => {
  const found = conditionOf(status, type);
  return found?.status === 'False' ? shortened(found.message ?? found.reason ?? type) : undefined;
};

const backupProblem = (status: Partial<ClusterStatus>): Finding | undefined => {
  const archiving = failureOf(status, 'ContinuousArchiving');
  if (archiving !== undefined) {
    return {
      reason: 'BackupFailed',
      message: `CloudNativePG does not archive the write-ahead log: ${archiving}. Until it does, the log fills the volume, and a recovery ends where the archive does. Check the ObjectStore and its bucket.`,
    };
  }
  const backup = failureOf(status, 'LastBackupSucceeded');
  return backup === undefined
    ? undefined
    : {
        reason: 'BackupFailed',
        message: `The last backup of CloudNativePG failed: ${backup}. Check the ObjectStore and its bucket.`,
      };
};

const replicationProblem = (status: Partial<ClusterStatus>): Finding | undefined => {
  const topology = failureOf(status, 'SyncReplicationTopologySatisfied');
  return topology === undefined
    ? undefined
    : {
        reason: 'ClusterNotReady',
        message: `Synchronous replication is not as required: ${topology}. See kubectl describe cluster.postgresql.cnpg.io.`,
      };
};

/** A commit waits for `number` standby servers beside the primary. */
const isServing = (context: Context, status: Partial<ClusterStatus>): boolean => {
  const { number = 0, dataDurability } =
    context.resource.spec.database.cloudNativePG?.synchronous ?? {};
  const needed = dataDurability === 'required' ? number + 1 : 1;
  return status.currentPrimary !== undefined && (status.readyInstances ?? 0) >= needed;
};

const describe = (context: Context, status: Partial<ClusterStatus>): string => {
  const { phase = 'not started yet', phaseReason, readyInstances = 0 } = status;
  const { instances = 0 } = context.resource.spec.database.cloudNativePG ?? {};
  const why = phaseReason === undefined ? '' : `: ${shortened(phaseReason)}`;
  return `The Cluster ${cluster.name(context.resource)} has ${String(readyInstances)} of ${String(instances)} instances ready (${shortened(phase)}${why}).`;
};

const judge = (context: Context): StepResult => {
  const { observed } = context;
  const desired = manifestOf(cluster, context);
  const live = observed.owned.get(keyOf(desired));
  const problem =
    missingKind(observed, cluster) ??
    refusalOf(
      observed,
      clusterObjects
        .filter(({ when }) => when?.(context.resource) !== false)
        .map((object) => manifestOf(object, context)),
    );
  const status = statusOf<ClusterStatus>(live);
  const serving = isServing(context, status);
  if (problem !== undefined) return waiting(problem, { serving });
  const message = describe(context, status);
  const ready = conditionOf(status, 'Ready');
  if (ready?.status === 'True' && live !== undefined && !isTerminating(live)) {
    const login = databaseLogin(context);
    if ('reason' in login) return waiting(login, { serving });
    const authorities = databaseAuthorities(context);
    if (authorities !== undefined && 'reason' in authorities)
      return waiting(authorities, { serving });
    if (!isUpToDate(observed, desired))
      return waiting({ reason: 'DatabaseStarting', message }, { serving });
    const additional = backupProblem(status) ?? replicationProblem(status);
    return done(
      { reason: 'DatabaseAccepting', message },
      additional === undefined ? {} : { additionalProblem: additional },
    );
  }
  const since = Date.parse(ready?.lastTransitionTime ?? '');
  const lasts = context.installed && observed.now.getTime() - since > toleratedMs;
  return waiting(
    lasts
      ? {
          reason: 'ClusterNotReady',
          message: `${message} See kubectl describe cluster.postgresql.cnpg.io ${cluster.name(context.resource)}.`,
        }
      : { reason: 'DatabaseStarting', message },
    { serving },
  );
};

/** A Cluster of CloudNativePG: applied, and judged by its own conditions. */
export const decideCluster = (context: Context): StepResult => ({
  ...judge(context),
  ...changesFor(context, clusterObjects),
});
