import { isAsApplied } from '../objects/drift.ts';
import type { ComponentName } from '../objects/labels.ts';
import { isTerminating } from '../objects/live.ts';
import { keyOf, makeManifest, type Manifest } from '../objects/manifest.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { Kind, KubeObject } from '../runtime/kube-object.ts';
import type { Observed } from './observed.ts';
import type { Context, Finding } from './step.ts';

/**
 * One part of the system with pods of its own. Everything else about its objects follows from this
 * declaration: which names are read, what is applied and pruned, which kinds are watched, the operator's
 * rights, a ServiceAccount and a NetworkPolicy (components/components.ts).
 */
export type Component = {
  /** The label app.kubernetes.io/component of its pods. */
  name: ComponentName;
  /** Unset: for every resource. */
  when?: (resource: MovieTicketing) => boolean;
  owns: readonly OwnedObject[];
  /** Every connection that its pods open; all others are denied. */
  connectsTo: (resource: MovieTicketing) => readonly Connection[];
  /** The port that clients outside the resource reach. */
  publicPort?: number;
  /** The port with metrics, which `spec.monitoring.allowFrom` admits. */
  managementPort?: number;
};

/** To the pods of a component, to pods of others by their labels, or to any address. */
export type Connection = {
  to: ComponentName | { pods: Record<string, string> } | 'any';
  port: number;
};

type Declaration = Kind & {
  component?: ComponentName;
  /** Unset: for every resource. */
  when?: (resource: MovieTicketing) => boolean;
  /** Everything but kind, name, labels and owner. */
  body: (context: Context) => Record<string, unknown>;
  annotations?: (context: Context) => Record<string, string>;
  /** Contents that are set once, when the object is created, and never again: a generated password. */
  initialBody?: (context: Context) => Record<string, unknown>;
  /** Data: where this is true the object outlives the resource. */
  isRetained?: (resource: MovieTicketing) => boolean;
  /** The kind may not be served, for instance where its operator is not installed; and what to do then. */
  optional?: { install: string };
  additionalLabels?: (resource: MovieTicketing) => Record<string, string>;
  /** Data that the operator itself never deletes and has no right to delete. */
  neverDeleted?: true;
};

export type NamedObject = Declaration & { name: (resource: MovieTicketing) => string };

/** An object whose name holds a hash, such as a Job: it is found by its labels, never by name. */
export type HashedObject = Declaration & { hashedName: (context: Context) => string };

/** An object that the operator owns: its kind, its name and how it is built. Declared once, in its component. */
export type OwnedObject = NamedObject | HashedObject;

export const manifestOf = (object: OwnedObject, context: Context): Manifest =>
  build(object, context, {
    owned: object.isRetained?.(context.resource) !== true,
    body: object.body(context),
  });

const build = (
  object: OwnedObject,
  context: Context,
  { owned, body }: { owned: boolean; body: Record<string, unknown> },
): Manifest =>
  makeManifest(
    context.resource,
    {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name: 'name' in object ? object.name(context.resource) : object.hashedName(context),
      component: object.component,
      labels: object.additionalLabels?.(context.resource) ?? {},
      annotations: object.annotations?.(context) ?? {},
      owned,
    },
    body,
  );

/**
 * The object with the contents that are set once. Where `isRetained` may change it has no owner yet: only what
 * an apply has set can a later apply remove. Any other has its owner from the start: without one it would stay
 * for ever where the spec stops needing it before the next reconcile.
 */
const initialManifest = (object: OwnedObject, context: Context): Manifest =>
  build(object, context, {
    owned: object.isRetained === undefined,
    body: { ...object.body(context), ...object.initialBody?.(context) },
  });

/** Why an object of an optional kind cannot be created; undefined if it can. */
export const missingKind = (
  { absentKinds }: Observed,
  { apiVersion, kind, optional }: OwnedObject,
): Finding | undefined => {
  const why = optional === undefined ? undefined : absentKinds.get(`${apiVersion} ${kind}`);
  if (optional === undefined || why === undefined) return undefined;
  return why === 'forbidden'
    ? {
        reason: 'OperatorForbidden',
        message: `The operator may not read ${kind} (${apiVersion}). Apply its Role and RoleBinding again (k8s/base).`,
      }
    : {
        reason: 'EngineMissing',
        message: `This cluster does not serve ${kind} (${apiVersion}). ${optional.install}. The operator looks again every minute.`,
      };
};

export type Changes = { create: Manifest[]; apply: Manifest[] };

/** Creates and applies whatever is missing or has drifted. A terminating object is recreated once it is gone. */
export const changesFor = (context: Context, objects: readonly OwnedObject[]): Changes => {
  const changes: Changes = { create: [], apply: [] };
  for (const object of objects) {
    if (object.when?.(context.resource) === false) continue;
    if (missingKind(context.observed, object) !== undefined) continue;
    const desired = manifestOf(object, context);
    const live = context.observed.owned.get(keyOf(desired));
    if (live === undefined) {
      if (object.initialBody === undefined) changes.apply.push(desired);
      else changes.create.push(initialManifest(object, context));
    } else if (!isTerminating(live) && !isAsApplied(desired, live)) {
      changes.apply.push(withUidPrecondition(desired, live));
    }
  }
  return changes;
};

/**
 * An apply creates a missing object: a Secret deleted after it was read would come back empty, a volume
 * without its data. With the uid that was read the API server refuses that (Conflict).
 */
export const withUidPrecondition = (desired: Manifest, { metadata }: KubeObject): Manifest =>
  (desired.kind === 'Secret' || desired.kind === 'PersistentVolumeClaim') &&
  metadata.uid !== undefined
    ? { ...desired, metadata: { ...desired.metadata, uid: metadata.uid } }
    : desired;

/** Exists, is not terminating and is as desired. */
export const isUpToDate = (observed: Observed, desired: Manifest): boolean => {
  const live = observed.owned.get(keyOf(desired));
  return live !== undefined && !isTerminating(live) && isAsApplied(desired, live);
};
