import { isProblem } from '../../steps/reasons.ts';
import { runJob } from '../../steps/run-job.ts';
import { notTrueSince, type Context, type Finding, type StepResult } from '../../steps/step.ts';
import { shortened } from '../../steps/text.ts';
import {
  imageCheckJob,
  imageToCheck,
  isPostgresReady,
  liveImage,
  recordedImage,
  type CheckedImage,
} from './image-check.component.ts';

/**
 * A StatefulSet ends its only pod before the next one starts. So a new image is first started in a Job, which
 * prints its version: an image that cannot be pulled, or of another major version than the data, never
 * replaces the pod that serves.
 */
export type ImageCheck = {
  /** The image that the StatefulSet is to run; undefined: none yet. */
  image: string | undefined;
  /** To record with the volume. */
  checked: CheckedImage;
  /** Why the requested image does not run. */
  finding?: Finding;
  /** The changes to the Job. */
  apply: StepResult['apply'];
  delete: StepResult['delete'];
};

const noChanges = { apply: [], delete: [] };

export const checkImage = (context: Context): ImageCheck => {
  const requested = context.resource.spec.database.managed?.image ?? '';
  const recorded = recordedImage(context);
  if (recorded.image === requested) return { ...noChanges, image: requested, checked: recorded };
  // Without data and without a pod that serves there is nothing to lose: the check runs beside the start.
  const isAtRisk = recorded.version !== undefined || isPostgresReady(context);
  const image = isAtRisk ? liveImage(context) : requested;
  const target = imageToCheck(context);
  const outcome = runJob(context, imageCheckJob, {
    running: {
      reason: 'DatabaseImageChecking',
      message: `Checking the PostgreSQL image ${target} before it is used.`,
    },
    failed: (message) => invalid(target, message),
    failingSince: notTrueSince(context, 'Ready'),
    // The version is in the pod of the Job: without it the Job runs again.
    isCurrent: (_, message) => message !== undefined,
  });
  if (outcome.kind === 'unfinished') {
    const { apply, delete: deleted, finding } = outcome.result;
    return { image, checked: recorded, finding, apply, delete: deleted };
  }
  const version = majorVersionIn(outcome.message);
  if (version === undefined) {
    return { ...noChanges, image, checked: recorded, finding: invalid(target, outcome.message) };
  }
  if (recorded.version !== undefined && recorded.version !== version) {
    const finding = mismatch({ requested, version, recorded: recorded.version });
    return { ...noChanges, image, checked: recorded, finding };
  }
  return {
    ...noChanges,
    image: target === requested ? requested : image,
    checked: { image: target, version },
  };
};

/** `postgres (PostgreSQL) 17.6 (Debian 17.6-1.pgdg13+1)`: 17. */
const majorVersionIn = (output: string | undefined): string | undefined =>
  /\(PostgreSQL\) (\d+)/.exec(output ?? '')?.[1];

const invalid = (image: string, output: string | undefined): Finding => ({
  reason: 'DatabaseImageInvalid',
  message: `The image ${image} does not run "postgres --version". Set spec.database.managed.image to a PostgreSQL image. ${shortened(output ?? '')}`,
});

const mismatch = (versions: { requested: string; version: string; recorded: string }): Finding => ({
  reason: 'DatabaseVersionMismatch',
  message: `The image ${versions.requested} is PostgreSQL ${versions.version}, which cannot read the volume's data of PostgreSQL ${versions.recorded}. Set spec.database.managed.image to an image of PostgreSQL ${versions.recorded}. To change the major version, dump the database and restore it into a new resource (docs/upgrade.md).`,
});

/** A check that is merely in progress is no problem. */
export const problemOfCheck = ({ finding }: ImageCheck): Finding | undefined =>
  finding !== undefined && isProblem(finding.reason) ? finding : undefined;
