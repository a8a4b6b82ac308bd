import type { MovieTicketing, MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';
import type { KubeObject, OwnerReference } from '../runtime/kube-object.ts';

/**
 * What passes between the halves of a reconcile: `observe` makes Observed, `decide` turns it into a
 * Plan, `apply` carries that out. Nothing here reads a clock, a network or chance.
 */

/** Names one object in the resource's namespace: `Deployment/shop-catalog`. */
export type ChildKey = `${string}/${string}`;

/** Enough to address an object in the resource's namespace; `uid`, where given, as a precondition. */
export type ChildRef = { apiVersion: string; kind: string; name: string; uid?: string };

/** An object as it is sent to the API server. */
export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    ownerReferences?: OwnerReference[];
    /** Only of this very object: refused where it is gone. */
    uid?: string;
  };
  [field: string]: unknown;
};

/** What the API server said when an object was last applied, created or deleted. */
export type ApplyError = { message: string; status?: number };

/** A warning event about a child of which there is no pod (a quota, an admission rule). */
export type ChildWarning = { child: ChildKey; reason: string; message: string; at: string };

/** Made anew for each reconcile and used only where a Secret is to be created: `freshSecrets()`. */
export type FreshSecrets = {
  databasePassword: string;
  adminPassword: string;
  /** Lower case letters and digits: the administrator's address is new with each new Secret. */
  adminId: string;
};

export type Observed = {
  resource: MovieTicketing;
  /**
   * Ours by `isOurs`: objects of `childKinds` in the namespace found by the label
   * `movieticketing.io/resource`, and those of `wantedRefs(resource)` found by name. Never pods.
   */
  children: ReadonlyMap<ChildKey, KubeObject>;
  /** Of `wantedRefs(resource)`: names taken by objects that are not ours, and who holds them (`holderOf`). */
  foreign: ReadonlyMap<ChildKey, string>;
  /** What the spec names and others made (`givenRefs(resource)`): Secrets, ConfigMaps; absent where missing. */
  given: ReadonlyMap<ChildKey, KubeObject>;
  /** Pods with the label `movieticketing.io/resource`. */
  pods: readonly KubeObject[];
  /** Warning events on StatefulSet and Jobs of which there is no pod; may be empty. */
  warnings: readonly ChildWarning[];
  /** By child, from this controller's last pass over the resource; gone once it succeeded. */
  applyErrors: ReadonlyMap<ChildKey, ApplyError>;
  now: Date;
  fresh: FreshSecrets;
};

/** To be recorded on the resource; never holds a Secret's value. */
export type Event = { type: 'Normal' | 'Warning'; reason: string; message: string };

/**
 * Carried out in this order: create, apply, delete, status, events. An error in one object keeps no
 * other from being tried; it is remembered in `Observed.applyErrors` and the resource comes again.
 */
export type Plan = {
  /** POST alone, once: what exists by then is left as it is (409 is success). For Secrets. */
  create: readonly Manifest[];
  /** Forced server-side apply under `fieldOwner`. */
  apply: readonly Manifest[];
  /** With `uid` as a precondition; propagation Background; 404 and 409 are success. */
  delete: readonly ChildRef[];
  /** The whole status as it should be; the same object as `resource.status` where nothing changed. */
  status: MovieTicketingStatus;
  /** Only where something changed since `resource.status`. */
  events: readonly Event[];
  /** Milliseconds; where only time brings change. */
  requeueAfterMs?: number;
};

/** What the operator process was told at its start. */
export type OperatorSettings = {
  /** The tag of images where `spec.version` is unset. */
  version: string;
  /**
   * From IMAGE_CATALOG and so on: a bare name gets `spec.images.registry` and the version, one with a
   * tag or a digest is used as it is.
   */
  images: Readonly<Record<Artifact, string>>;
  /** `cluster.local` */
  clusterDomain: string;
};

export const artifacts = ['catalog', 'users', 'bookings', 'gateway', 'migrations'] as const;
export type Artifact = (typeof artifacts)[number];

/** The one field owner of all that the operator applies. */
export const fieldOwner = 'movie-ticketing-operator';

/** Every kind of object the operator makes; pods are read, and deleted where one is stuck. */
export const childKinds = [
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  { apiVersion: 'v1', kind: 'Secret' },
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'batch/v1', kind: 'Job' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
] as const;

export const keyOf = (object: { kind: string; metadata: { name: string } }): ChildKey =>
  `${object.kind}/${object.metadata.name}`;

export const keyOfRef = (ref: { kind: string; name: string }): ChildKey =>
  `${ref.kind}/${ref.name}`;
