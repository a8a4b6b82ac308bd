import { refOf } from '../children/manifest.ts';
import { namesOf, type Names } from '../children/names.ts';
import { versionOf } from '../children/images.ts';
import type { MovieTicketing, MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';
import { isAsApplied } from './difference.ts';
import { isGoing } from './live.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import {
  keyOf,
  type ChildKey,
  type ChildRef,
  type Manifest,
  type Observed,
  type OperatorSettings,
} from './observed.ts';
import type { Reason } from './reasons.ts';

/** What every step looks at. */
export type Context = {
  observed: Observed;
  settings: OperatorSettings;
  resource: MovieTicketing;
  names: Names;
  /** The version asked for; `status.version` is the one that serves. */
  target: string;
  /** Once everything served: from then on the later steps keep what they have, whatever the earlier do. */
  installed: boolean;
};

export const contextOf = (observed: Observed, settings: OperatorSettings): Context => {
  const { resource } = observed;
  return {
    observed,
    settings,
    resource,
    names: namesOf(resource),
    target: versionOf(resource, settings),
    installed: resource.status?.version !== undefined,
  };
};

/** A problem and what to do about it. */
export type Finding = { reason: Reason; message: string };

export type StepResult = {
  /** The step is where the resource wants it: the next may begin. */
  done: boolean;
  /** It serves, be it as an older version or with fewer pods. */
  serving: boolean;
  /** `done` where nothing else is said. */
  status: 'True' | 'False' | 'Unknown';
  finding: Finding;
  /** What is wrong beside a step that is done. */
  alsoWrong?: Finding;
  create: Manifest[];
  apply: Manifest[];
  delete: ChildRef[];
  requeueAfterMs?: number;
  /** What to remember in the resource's status. */
  remember?: Partial<MovieTicketingStatus>;
};

export const nothing = { create: [], apply: [], delete: [] } satisfies Partial<StepResult>;

export const waiting = (finding: Finding, more: Partial<StepResult> = {}): StepResult => ({
  ...nothing,
  done: false,
  serving: false,
  status: 'False',
  finding,
  ...more,
});

export const done = (finding: Finding, more: Partial<StepResult> = {}): StepResult => ({
  ...nothing,
  done: true,
  serving: true,
  status: 'True',
  finding,
  ...more,
});

/** Those of the manifests that are not there as they should be. One that is going comes again later. */
export const toApply = (observed: Observed, manifests: readonly Manifest[]): Manifest[] =>
  manifests.flatMap((desired) => {
    const live = observed.children.get(keyOf(desired));
    if (live === undefined) return [desired];
    return isGoing(live) || isAsApplied(desired, live) ? [] : [sparing(desired, live)];
  });

/**
 * An apply makes what is not there: deleted since it was seen, a Secret would come back empty and a
 * volume without its data. With the uid of what was seen it is refused instead (Conflict).
 */
const sparing = (desired: Manifest, { metadata }: KubeObject): Manifest =>
  (desired.kind === 'Secret' || desired.kind === 'PersistentVolumeClaim') &&
  metadata.uid !== undefined
    ? { ...desired, metadata: { ...desired.metadata, uid: metadata.uid } }
    : desired;

/** Live, not going, as desired. */
export const isSettled = (observed: Observed, desired: Manifest): boolean => {
  const live = observed.children.get(keyOf(desired));
  return live !== undefined && !isGoing(live) && isAsApplied(desired, live);
};

/** What the API server refused of these objects in the last pass. */
export const refusal = (
  observed: Observed,
  objects: readonly { kind: string; metadata: { name: string } }[],
): Finding | undefined => {
  for (const object of objects) {
    const key = keyOf(object);
    const error = observed.applyErrors.get(key);
    if (error !== undefined) return explainRefusal(key, error.message, error.status);
  }
  return undefined;
};

export const explainRefusal = (key: ChildKey, message: string, status?: number): Finding => {
  const said = `${key}: ${shortened(message)}`;
  if (message.includes('port is already allocated')) {
    return {
      reason: 'NodePortTaken',
      message: `Another Service has the port. Set spec.gateway.service.nodePort to a free one, or remove the other. ${said}`,
    };
  }
  if (message.includes('exceeded quota')) {
    return {
      reason: 'QuotaExceeded',
      message: `The namespace's quota is used up. Raise it, or lower replicas and resources. ${said}`,
    };
  }
  // Admission refuses with 403 too: only of rights it says what the user cannot do.
  if (status === 401 || /\bcannot \w+ resource\b/.test(message)) {
    return {
      reason: 'OperatorForbidden',
      message: `The operator is not allowed to write this. Apply its Role and RoleBinding again (k8s/base). ${said}`,
    };
  }
  return {
    reason: 'ApplyRefused',
    message: `The API server refused an object. Change the part of spec that it names. ${said}`,
  };
};

/** For a message: one line without a stack, of a length that a terminal takes. */
export const shortened = (message: string, length = 600): string => {
  const line = message
    .replaceAll(/\n\s+at .*/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length <= length ? line : `${line.slice(0, length)}…`;
};

export const deletionOf = (live: KubeObject): ChildRef => refOf(live);

/** ISO 8601 to the second, as Kubernetes writes times. */
export const instant = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
