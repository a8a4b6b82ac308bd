import type { MovieTicketing, MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';
import { conditionsOf, type Judgements } from './status.ts';
import { shortened, type Context, type Finding } from './step.ts';

/** Statuses of a resource for which nothing is done. */

const withConditions = (
  resource: MovieTicketing,
  phase: NonNullable<MovieTicketingStatus['phase']>,
  judgements: Judgements,
  now: Date,
): MovieTicketingStatus => ({
  ...resource.status,
  phase,
  conditions: conditionsOf(resource, judgements, now),
});

/** What it owns goes by garbage collection, and it with it. */
export const deletingStatus = (resource: MovieTicketing): MovieTicketingStatus => ({
  ...resource.status,
  phase: 'Deleting',
});

/** What was last known stays as it was said; a generation that was not looked at is not observed. */
export const pausedStatus = (resource: MovieTicketing, now: Date): MovieTicketingStatus => {
  const finding: Finding = {
    reason: 'Paused',
    message:
      'Reconciling is paused. Set spec.paused to false and take the annotation movieticketing.io/paused off.',
  };
  const known = resource.status?.conditions?.some(({ type }) => type === 'Ready') === true;
  return withConditions(
    resource,
    'Paused',
    {
      Progressing: { status: 'False', finding },
      ...(known ? {} : { Ready: { status: 'Unknown', finding } }),
    },
    now,
  );
};

export const nameTakenStatus = ({ resource, observed }: Context): MovieTicketingStatus => {
  const taken = [...observed.foreign].map(([key, holder]) => `${key} (${holder})`);
  const finding: Finding = {
    reason: 'NameTaken',
    message: `Names that this resource needs belong to others, so nothing is done: ${shortened(taken.join(', '))}. Remove or rename those, or give the resource another name.`,
  };
  return {
    ...withConditions(
      resource,
      resource.status?.version === undefined ? 'Pending' : 'Degraded',
      {
        Ready: { status: 'False', finding },
        Progressing: { status: 'False', finding },
        Degraded: { status: 'True', finding },
      },
      observed.now,
    ),
    observedGeneration: resource.metadata.generation,
  };
};

/**
 * The status of a resource whose objects could not be read, with what refused it: what was known stays,
 * only nobody can say whether it still is so.
 * @param error what the API server said, with its HTTP status where there was one
 */
export const unobservedStatus = (
  resource: MovieTicketing,
  error: { message: string; status?: number },
  now: Date,
): MovieTicketingStatus => {
  const forbidden = error.status === 401 || error.status === 403;
  const finding: Finding = forbidden
    ? {
        reason: 'OperatorForbidden',
        message: `The operator is not allowed to read what it needs. Apply its Role and RoleBinding again (k8s/base). ${shortened(error.message)}`,
      }
    : {
        reason: 'CannotObserve',
        message: `The API server gives no answer that can be used. ${shortened(error.message)}`,
      };
  return withConditions(
    resource,
    'Degraded',
    { Ready: { status: 'Unknown', finding }, Degraded: { status: 'True', finding } },
    now,
  );
};
