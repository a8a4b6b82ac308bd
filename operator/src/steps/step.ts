import type { Manifest, OwnedRef } from '../objects/manifest.ts';
import type { OperatorSettings } from '../objects/settings.ts';
import type {
  ConditionType,
  MovieTicketing,
  MovieTicketingStatus,
} from '../resource/movie-ticketing.schema.ts';
import type { Observed } from './observed.ts';
import type { Reason } from './reasons.ts';

export type StepName =
  | 'database'
  | 'restore'
  | 'migrations'
  | 'seed'
  | 'services'
  | 'gateway'
  | 'route'
  | 'backup'
  | 'verification';

/** One step of an installation: brings a part of the system to the spec and judges its health. Pure. */
export type Step = {
  name: StepName;
  /** The condition that shows its result; without one, Ready and Progressing show it while it is not done. */
  condition?: ConditionType;
  /** The condition is shown for these resources only; unset: for all. */
  when?: (resource: MovieTicketing) => boolean;
  decide: (context: Context) => StepResult;
};

/** The input of every step. */
export type Context = {
  observed: Observed;
  settings: OperatorSettings;
  resource: MovieTicketing;
  /** The requested version; `status.version` is the version that runs. */
  target: string;
  /** Everything ran once. From then on later steps maintain what exists, whatever earlier steps do. */
  installed: boolean;
  /** Results of the steps before this one. */
  earlier: Readonly<Partial<Record<StepName, StepResult>>>;
};

/** What is the case, and for a problem what to do about it. */
export type Finding = { reason: Reason; message: string };

export type StepResult = {
  /** This part is as the spec says: the next step may begin. */
  done: boolean;
  /** This part works, perhaps in an older version or with fewer pods. */
  serving: boolean;
  /** The status of the step's condition. */
  status: 'True' | 'False' | 'Unknown';
  finding: Finding;
  /** A problem besides `finding`, also of a step that is done. */
  additionalProblem?: Finding;
  /** Single fields that are to keep their values although an apply leaves them out. */
  keep?: Manifest[];
  create: Manifest[];
  apply: Manifest[];
  delete: OwnedRef[];
  requeueAfterMs?: number;
  /** Facts to keep in the resource's status. */
  record?: Partial<MovieTicketingStatus>;
};

const noChanges = { create: [], apply: [], delete: [] } satisfies Partial<StepResult>;

export const waiting = (finding: Finding, more: Partial<StepResult> = {}): StepResult => ({
  ...noChanges,
  done: false,
  serving: false,
  status: 'False',
  finding,
  ...more,
});

export const done = (finding: Finding, more: Partial<StepResult> = {}): StepResult => ({
  ...noChanges,
  done: true,
  serving: true,
  status: 'True',
  finding,
  ...more,
});

export const isDone = ({ earlier }: Context, step: StepName): boolean =>
  earlier[step]?.done === true;

/** Since when a condition has not been true. */
export const notTrueSince = ({ resource }: Context, type: ConditionType): string | undefined =>
  resource.status?.conditions?.find(
    (condition) => condition.type === type && condition.status !== 'True',
  )?.lastTransitionTime;
