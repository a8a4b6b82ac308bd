import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import type { ObjectKey } from '../objects/manifest.ts';

/** What the API server answered when an object was last created, applied or deleted. */
export type Refusal = {
  message: string;
  status?: number;
  /** When the same manifest may be sent again. Another manifest is sent at once. */
  retry?: { manifestHash: string; failures: number; at: Date };
};

/** A warning event about an owned object that has no pod (a quota, an admission rule). */
export type ObjectWarning = { object: ObjectKey; reason: string; message: string; at: string };

/** A certificate and the authority that signs it, as PEM. */
export type CertificateData = Readonly<Record<'ca.crt' | 'ca.key' | 'tls.crt' | 'tls.key', string>>;

/** Generated for each reconcile; used only where a Secret is created. */
export type FreshSecrets = {
  databasePassword: string;
  /** For the logins of the services and of the seed. */
  loginPasswords: Readonly<Record<'catalog' | 'users' | 'bookings' | 'seed' | 'backup', string>>;
  adminPassword: string;
  /** Lower-case letters and digits. Each new admin Secret gets a new e-mail address. */
  adminId: string;
  /** Of the managed database; only where one is due. */
  certificate?: CertificateData & { renewAfter: string };
};

/** Everything that a reconcile read. Deciding reads no clock, no network and no random numbers besides. */
export type Observed = {
  resource: MovieTicketing;
  /**
   * Objects that the resource owns (`isOwnedBy`): found by the label `movieticketing.io/resource`, or by
   * a name that it needs. Without pods.
   */
  owned: ReadonlyMap<ObjectKey, KubeObject>;
  /** Names that the resource needs and another object has, with a description of its owner. */
  conflicting: ReadonlyMap<ObjectKey, string>;
  /** Secrets and ConfigMaps of users that the spec references, where they exist. */
  referenced: ReadonlyMap<ObjectKey, KubeObject>;
  /** Optional kinds that the resource wants and cannot have: `apiVersion kind`. */
  absentKinds: ReadonlyMap<string, 'missing' | 'forbidden'>;
  /** Pods with the label `movieticketing.io/resource`. */
  pods: readonly KubeObject[];
  /** Warning events about StatefulSets and Jobs that have no pod. */
  warnings: readonly ObjectWarning[];
  /** Refusals that still stand, by object. */
  refusals: ReadonlyMap<ObjectKey, Refusal>;
  /** The API server has refused an object because the namespace is being deleted. */
  namespaceIsTerminating: boolean;
  now: Date;
  fresh: FreshSecrets;
};
