import { optionalKinds, wantsKind } from '../components/components.ts';
import { referencedContents } from '../components/referenced.ts';
import { resourceLabel } from '../objects/labels.ts';
import { keyOf } from '../objects/manifest.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../runtime/client.ts';
import { KubeError } from '../runtime/kube-error.ts';
import type { Kind, KubeObject } from '../runtime/kube-object.ts';
import type { Observed } from '../steps/observed.ts';

/**
 * What a resource costs while nothing happens. Everything that the operator owns is watched, so a settled resource
 * is looked at again for two reasons only: objects that are not watched, and time.
 */
export type Settled = {
  resource: MovieTicketing;
  /** The versions of the objects that are not watched, by key. */
  unwatched: string;
  /** When everything was read. */
  at: Date;
};

const minuteMs = 60_000;

const isOptional = ({ apiVersion, kind }: KubeObject): boolean =>
  optionalKinds.some((known) => known.kind === kind && known.apiVersion === apiVersion);

const versionsOf = (objects: readonly KubeObject[]): string =>
  objects
    .map(
      (object) =>
        `${keyOf(object)} ${object.metadata.uid ?? ''} ${object.metadata.resourceVersion ?? ''}`,
    )
    .sort()
    .join('\n');

export const settledFrom = ({ resource, referenced, owned, now }: Observed): Settled => ({
  resource,
  unwatched: versionsOf([...referenced.values(), ...[...owned.values()].filter(isOptional)]),
  at: now,
});

const wantedOptionalKinds = (resource: MovieTicketing): Kind[] =>
  optionalKinds.filter((kind) => wantsKind(resource, kind));

const hasUnwatched = (resource: MovieTicketing): boolean =>
  referencedContents(resource).length > 0 || wantedOptionalKinds(resource).length > 0;

/** How long everything may go unread: schedules are judged by the clock. */
const completeMs = ({ spec }: MovieTicketing): number =>
  spec.backup !== undefined || spec.rotation.databasePasswords !== undefined
    ? 10 * minuteMs
    : 120 * minuteMs;

/** When a settled resource is looked at again. */
export const pollMs = (resource: MovieTicketing): number =>
  hasUnwatched(resource) ? minuteMs : completeMs(resource);

/** Reads what is not watched and nothing else. An answer that is no answer is a reason to read everything. */
export const isStillSettled = async (
  client: KubeClient,
  { resource, unwatched, at }: Settled,
  now: Date,
): Promise<boolean> => {
  if (now.getTime() - at.getTime() >= completeMs(resource) / 2) return false;
  const { namespace, name } = resource.metadata;
  const labelSelector = `${resourceLabel}=${name}`;
  try {
    const [referenced, optional] = await Promise.all([
      Promise.all(referencedContents(resource).map((ref) => client.get({ ...ref, namespace }))),
      Promise.all(
        wantedOptionalKinds(resource).map((kind) =>
          client.list(kind, { namespace, labelSelector }),
        ),
      ),
    ]);
    const found = [...referenced, ...optional.flatMap(({ items }) => items)];
    return versionsOf(found.filter((object) => object !== undefined)) === unwatched;
  } catch (error) {
    if (error instanceof KubeError) return false;
    throw error;
  }
};
