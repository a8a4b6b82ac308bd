import { statusOf } from '../../objects/live.ts';
import { keyOfRef } from '../../objects/manifest.ts';
import { quantityToNumber } from '../../resource/quantity.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';
import type { Context, Finding } from '../../steps/step.ts';
import { nameOf } from '../names.ts';

/** What the spec may change of a volume that exists: Kubernetes lets it grow, and nothing else. */

type ClaimSpec = { storageClassName?: string; resources?: { requests?: { storage?: string } } };
type ClaimStatus = { phase: string; capacity: { storage?: string } };

export const liveVolume = ({ observed, resource }: Context): KubeObject | undefined =>
  observed.owned.get(
    keyOfRef({ kind: 'PersistentVolumeClaim', name: nameOf(resource, 'postgres') }),
  );

const specOf = (claim: KubeObject | undefined): ClaimSpec =>
  (claim?.['spec'] as ClaimSpec | undefined) ?? {};

export const volumeStorage = (context: Context): object => {
  const requested = context.resource.spec.database.managed?.storage;
  const claim = liveVolume(context);
  return {
    storageClassName: specOf(claim).storageClassName ?? requested?.storageClassName,
    resources: { requests: { storage: claimSize(requested?.size, claim) } },
  };
};

/**
 * Never below what the claim has: it may have been retained from a resource that requested more. A request
 * that the storage could not fulfill may be lowered, to any size above the capacity.
 */
const claimSize = (
  requested: string | undefined,
  claim: KubeObject | undefined,
): string | undefined => {
  const present = specOf(claim).resources?.requests?.storage;
  if (requested === undefined || present === undefined) return requested;
  if (quantityToNumber(requested) >= quantityToNumber(present)) return requested;
  const capacity = statusOf<ClaimStatus>(claim).capacity?.storage;
  return capacity !== undefined && quantityToNumber(requested) > quantityToNumber(capacity)
    ? requested
    : present;
};

/** A claim keeps its storage class. One that was never bound holds no data and can be replaced. */
export const storageClassProblem = (context: Context): Finding | undefined => {
  const requested = context.resource.spec.database.managed?.storage.storageClassName;
  const claim = liveVolume(context);
  const present = specOf(claim).storageClassName;
  if (claim === undefined || requested === undefined || present === undefined) return undefined;
  if (requested === present) return undefined;
  const { name } = claim.metadata;
  const cure =
    statusOf<ClaimStatus>(claim).phase === 'Pending'
      ? `The claim is not bound and holds no data: delete the PersistentVolumeClaim ${name}, and it is created again with the class ${requested}.`
      : `Set spec.database.managed.storage.storageClassName to ${present}. To move the data to another class, dump the database and restore it into a new resource (docs/back-up-and-restore.md).`;
  return {
    reason: 'StorageClassDiffers',
    message: `The volume ${name} has the storage class ${present}, which cannot be changed to ${requested}. ${cure}`,
  };
};
