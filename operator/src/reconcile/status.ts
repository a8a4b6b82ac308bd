import { stableJson } from '../children/hash.ts';
import {
  conditionTypes,
  type Condition,
  type ConditionType,
  type MovieTicketing,
  type MovieTicketingStatus,
} from '../resource/movie-ticketing.schema.ts';
import type { Event } from './observed.ts';
import { isProblem, type Reason } from './reasons.ts';
import { instant, type Finding } from './step.ts';

export type Judgement = { status: 'True' | 'False' | 'Unknown'; finding: Finding };
export type Judgements = Partial<Record<ConditionType, Judgement>>;

/** Conditions in a constant order; those not judged stay as they are. */
export const conditionsOf = (
  resource: MovieTicketing,
  judgements: Judgements,
  now: Date,
): Condition[] => {
  const before = new Map(resource.status?.conditions?.map((found) => [found.type, found]));
  return conditionTypes.flatMap((type) => {
    const judged = judgements[type];
    const was = before.get(type);
    if (judged === undefined) return was === undefined ? [] : [was];
    const condition: Condition = {
      type,
      status: judged.status,
      reason: judged.finding.reason,
      message: judged.finding.message,
      // When the status changed, not when it was said anew or with another reason.
      lastTransitionTime: was?.status === judged.status ? was.lastTransitionTime : instant(now),
      observedGeneration: resource.metadata.generation,
    };
    return [condition];
  });
};

/** The status there is where nothing has changed: then nothing is written. */
export const unlessSame = (
  before: MovieTicketingStatus | undefined,
  after: MovieTicketingStatus,
): MovieTicketingStatus =>
  before !== undefined && stableJson(before) === stableJson(after) ? before : after;

const told: readonly ConditionType[] = [
  'DatabaseReady',
  'MigrationsApplied',
  'Seeded',
  'ServicesReady',
  'GatewayReady',
  'Degraded',
];

/** One for each condition whose reason has changed, where a person would want to know. */
export const eventsOf = (resource: MovieTicketing, after: MovieTicketingStatus): Event[] => {
  const before = new Map(resource.status?.conditions?.map((found) => [found.type, found]));
  const reasonsTold = new Set<string>();
  const events = (after.conditions ?? []).flatMap((condition): Event[] => {
    const { type, status, reason, message } = condition;
    const was = before.get(type);
    if (!told.includes(type) || (was?.status === status && was.reason === reason)) return [];
    const wrong = isProblem(reason as Reason);
    const reached = status === 'True' && type !== 'Degraded' && reason !== 'NotWanted';
    if ((!wrong && !reached) || reasonsTold.has(reason + message)) return [];
    reasonsTold.add(reason + message);
    return [{ type: wrong ? 'Warning' : 'Normal', reason, message: shortEnough(message) }];
  });
  const { version } = after;
  const served = resource.status?.version;
  if (version !== undefined && version !== served) {
    events.push(
      served === undefined
        ? { type: 'Normal', reason: 'Installed', message: `${version} serves.` }
        : { type: 'Normal', reason: 'Upgraded', message: `${version} serves after ${served}.` },
    );
  }
  return events;
};

/** The API server takes 1024 bytes. */
const shortEnough = (message: string): string =>
  message.length <= 900 ? message : `${message.slice(0, 900)}…`;
