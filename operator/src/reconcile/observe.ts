import { randomBytes } from 'node:crypto';

import { namedRefs, optionalKinds, ownedKinds, wantsKind } from '../components/components.ts';
import { certificateSecretName } from '../components/names.ts';
import {
  certificateHosts,
  certificateIn,
  isCertificateDue,
  isSelfSigned,
} from '../components/postgres/certificate.ts';
import { signCertificate } from '../components/postgres/sign-certificate.ts';
import { referencedContents } from '../components/referenced.ts';
import { resourceLabel } from '../objects/labels.ts';
import { statusOf, type JobStatus } from '../objects/live.ts';
import { keyOf, keyOfRef, type ObjectKey, type OwnedRef } from '../objects/manifest.ts';
import { describeOwner, isOwnedBy } from '../objects/ownership.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../runtime/client.ts';
import { hasReason } from '../runtime/kube-error.ts';
import type { Kind, KubeObject } from '../runtime/kube-object.ts';
import type { FreshSecrets, ObjectWarning, Observed } from '../steps/observed.ts';

const newPassword = (): string => randomBytes(24).toString('base64url');

export const freshSecrets = (): FreshSecrets => ({
  databasePassword: newPassword(),
  loginPasswords: {
    catalog: newPassword(),
    users: newPassword(),
    bookings: newPassword(),
    seed: newPassword(),
    backup: newPassword(),
  },
  adminPassword: randomBytes(18).toString('base64url'),
  adminId: randomBytes(4).toString('hex'),
});

/** Only where one is due: making one takes a hundred times as long as a password. */
const freshCertificate = async (
  resource: MovieTicketing,
  owned: ReadonlyMap<ObjectKey, KubeObject>,
  now: Date,
): Promise<Pick<FreshSecrets, 'certificate'>> => {
  if (!isSelfSigned(resource)) return {};
  const secret = owned.get(keyOfRef({ kind: 'Secret', name: certificateSecretName(resource) }));
  if (!isCertificateDue(secret, now)) return {};
  const former = certificateIn(secret);
  return { certificate: await signCertificate(certificateHosts(resource), { former, now }) };
};

export const podKind: Kind = { apiVersion: 'v1', kind: 'Pod' };
export const eventKind: Kind = { apiVersion: 'v1', kind: 'Event' };

type KubeEvent = KubeObject & {
  involvedObject: { kind: string; name: string; uid?: string };
  reason?: string;
  message?: string;
  lastTimestamp?: string | null;
  eventTime?: string | null;
};

/** Warnings about workloads that have no pod to show what is wrong: one request for each. */
const readWarnings = async (
  client: KubeClient,
  namespace: string,
  owned: readonly KubeObject[],
  pods: readonly KubeObject[],
): Promise<ObjectWarning[]> => {
  const hasPod = ({ metadata }: KubeObject): boolean =>
    pods.some((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));
  const withoutPods = owned.filter(
    (object) =>
      (object.kind === 'StatefulSet' || object.kind === 'Job') &&
      !hasPod(object) &&
      statusOf<JobStatus>(object).succeeded !== 1,
  );
  const events = await Promise.all(
    withoutPods.map(({ metadata }) =>
      client.list<KubeEvent>(eventKind, {
        namespace,
        fieldSelector: `type=Warning,involvedObject.uid=${metadata.uid ?? ''}`,
      }),
    ),
  );
  return events
    .flatMap(({ items }) => items)
    .map((event) => ({
      object: keyOfRef(event.involvedObject),
      reason: event.reason ?? '',
      message: event.message ?? '',
      at: event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? '',
    }));
};

const readByName = async (
  client: KubeClient,
  namespace: string,
  refs: readonly OwnedRef[],
): Promise<KubeObject[]> => {
  const found = await Promise.all(refs.map((ref) => client.get({ ...ref, namespace })));
  return found.filter((object) => object !== undefined);
};

const byKey = (objects: readonly KubeObject[]): Map<ObjectKey, KubeObject> =>
  new Map(objects.map((object) => [keyOf(object), object]));

/** What the API server refused in earlier reconciles. */
type Known = Pick<Observed, 'refusals' | 'namespaceIsTerminating'> & {
  /** Optional kinds of which the resource had an object; undefined: not known yet. */
  optionalKinds?: ReadonlySet<string>;
};

export const nameOfKind = ({ apiVersion, kind }: Kind): string => `${apiVersion} ${kind}`;

/** What the spec no longer wants is deleted: it is looked for until there is none. */
const kindsToRead = (resource: MovieTicketing, known: Known): Kind[] =>
  optionalKinds.filter(
    (kind) => wantsKind(resource, kind) || known.optionalKinds?.has(nameOfKind(kind)) !== false,
  );

type Absent = Map<string, 'missing' | 'forbidden'>;

/** What was read, or undefined where the kind is noted as absent. */
const unlessAbsent = async <T>(
  kind: Kind,
  absent: Absent,
  read: () => Promise<T>,
): Promise<T | undefined> => {
  try {
    return await read();
  } catch (error) {
    if (hasReason(error, 'KindNotServed')) absent.set(nameOfKind(kind), 'missing');
    else if (hasReason(error, 'Forbidden')) absent.set(nameOfKind(kind), 'forbidden');
    else throw error;
    return undefined;
  }
};

type Optional = { objects: KubeObject[]; absent: Absent };

/** An optional kind that is not served, or may not be read, is no error. */
const readOptional = async (
  kinds: readonly Kind[],
  list: (kind: Kind) => Promise<KubeObject[]>,
): Promise<Optional> => {
  const found: Optional = { objects: [], absent: new Map() };
  const read = async (kind: Kind): Promise<void> => {
    const objects = await unlessAbsent(kind, found.absent, () => list(kind));
    found.objects.push(...(objects ?? []));
  };
  await Promise.all(kinds.map(read));
  return found;
};

const isOptional = (ref: OwnedRef): boolean =>
  optionalKinds.some(({ apiVersion, kind }) => kind === ref.kind && apiVersion === ref.apiVersion);

const readMissing = async (
  client: KubeClient,
  namespace: string,
  refs: readonly OwnedRef[],
  absent: Absent,
): Promise<KubeObject[]> => {
  const named = readByName(
    client,
    namespace,
    refs.filter((ref) => !isOptional(ref)),
  );
  // A kind may go away between two reads.
  const optional = refs
    .filter(isOptional)
    .map((ref) => unlessAbsent(ref, absent, () => client.get({ ...ref, namespace })));
  const found = await Promise.all(optional);
  return [...(await named), ...found.filter((object) => object !== undefined)];
};

/**
 * Every read of a reconcile, in one namespace, straight from the API server: a decision is never based on
 * a stale cache, and no Secret stays in memory.
 * @throws KubeError where a read is refused
 */
export const observe = async (
  client: KubeClient,
  resource: MovieTicketing,
  known: Known = { refusals: new Map(), namespaceIsTerminating: false },
): Promise<Observed> => {
  const { namespace, name } = resource.metadata;
  const labelSelector = `${resourceLabel}=${name}`;
  const needed = namedRefs(resource);
  const listLabelled = async (kind: Kind): Promise<KubeObject[]> => {
    // Secrets are read by name: a list would return the contents of whatever carries the label.
    const metadataOnly = kind.kind === 'Secret';
    const { items } = await client.list(kind, { namespace, labelSelector, metadataOnly });
    const refs = items.map(({ metadata }) => ({ ...kind, name: metadata.name }));
    return metadataOnly ? readByName(client, namespace, refs) : items;
  };
  const [labelled, pods, referenced, optional] = await Promise.all([
    Promise.all(ownedKinds.map(listLabelled)),
    listLabelled(podKind),
    readByName(client, namespace, referencedContents(resource)),
    readOptional(kindsToRead(resource, known), listLabelled),
  ]);
  const found = byKey([...labelled.flat(), ...optional.objects]);
  // Labels can be removed and names can be taken: what was not found by its label is read by name.
  const missing = needed.filter(
    (ref) => !found.has(keyOfRef(ref)) && !optional.absent.has(nameOfKind(ref)),
  );
  for (const object of await readMissing(client, namespace, missing, optional.absent))
    found.set(keyOf(object), object);

  const objects = [...found.values()];
  const owned = objects.filter((object) => isOwnedBy(object, resource));
  const now = new Date();
  const neededKeys = new Set(needed.map(keyOfRef));
  const conflicting = objects.filter(
    (object) => !isOwnedBy(object, resource) && neededKeys.has(keyOf(object)),
  );
  return {
    resource,
    owned: byKey(owned),
    conflicting: new Map(
      conflicting.map((object) => [keyOf(object), describeOwner(object, resource)]),
    ),
    referenced: byKey(referenced),
    absentKinds: optional.absent,
    pods,
    warnings: await readWarnings(client, namespace, owned, pods),
    refusals: known.refusals,
    namespaceIsTerminating: known.namespaceIsTerminating,
    now,
    fresh: { ...freshSecrets(), ...(await freshCertificate(resource, byKey(owned), now)) },
  };
};
