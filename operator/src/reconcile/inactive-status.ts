import type { MovieTicketing, MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';
import type { Context, Finding } from '../steps/step.ts';
import { shortened } from '../steps/text.ts';
import { conditionsOf, type Judgements } from './conditions.ts';

/** The status of a resource for which the operator does nothing. */

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

/** Owned objects are deleted by garbage collection. */
export const deletingStatus = (resource: MovieTicketing): MovieTicketingStatus => ({
  ...resource.status,
  phase: 'Deleting',
});

/** Other conditions keep their last state; the new generation is not marked as observed. */
export const pausedStatus = (resource: MovieTicketing, now: Date): MovieTicketingStatus => {
  const finding: Finding = {
    reason: 'Paused',
    message:
      'Reconciliation is paused. Set spec.paused to false and remove the annotation movieticketing.io/paused.',
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
  const taken = [...observed.conflicting].map(([key, owner]) => `${key} (${owner})`);
  const finding: Finding = {
    reason: 'NameTaken',
    message: `Other objects have names that this resource needs, so nothing is changed: ${shortened(taken.join(', '))}. Delete or rename them, or give the resource another name.`,
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
 * The status of a resource whose objects could not be read: the last known state, now uncertain.
 * @param error the API server's answer, with its HTTP status where there was one
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
        message: `The operator lacks the permission to read an object. Apply its Role and RoleBinding again (k8s/base). ${shortened(error.message)}`,
      }
    : {
        reason: 'CannotObserve',
        message: `The API server did not return the objects of this resource. ${shortened(error.message)}`,
      };
  return withConditions(
    resource,
    'Degraded',
    {
      Ready: { status: 'Unknown', finding },
      Available: { status: 'Unknown', finding },
      Degraded: { status: 'True', finding },
    },
    now,
  );
};
