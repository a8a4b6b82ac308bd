import { stableJson } from '../objects/hash.ts';
import {
  conditionTypes,
  type Condition,
  type ConditionType,
  type MovieTicketing,
  type MovieTicketingStatus,
} from '../resource/movie-ticketing.schema.ts';
import { isProblem, type Reason } from '../steps/reasons.ts';
import type { Finding } from '../steps/step.ts';
import { timestamp } from '../steps/text.ts';
import type { Event } from './plan.ts';

export type Judgement = { status: 'True' | 'False' | 'Unknown'; finding: Finding };
export type Judgements = Partial<Record<ConditionType, Judgement>>;

/** Conditions in a fixed order; those without a judgement stay as they are. */
export const conditionsOf = (
  resource: MovieTicketing,
  judgements: Judgements,
  now: Date,
): Condition[] => {
  const previous = new Map(resource.status?.conditions?.map((found) => [found.type, found]));
  return conditionTypes.flatMap((type) => {
    const judgement = judgements[type];
    const before = previous.get(type);
    if (judgement === undefined) return before === undefined ? [] : [before];
    const condition: Condition = {
      type,
      status: judgement.status,
      reason: judgement.finding.reason,
      message: judgement.finding.message,
      // When the status changed, not the reason or the message.
      lastTransitionTime:
        before?.status === judgement.status ? before.lastTransitionTime : timestamp(now),
      observedGeneration: resource.metadata.generation,
    };
    return [condition];
  });
};

/** The previous status where nothing has changed: then nothing is written. */
export const unlessSame = (
  before: MovieTicketingStatus | undefined,
  after: MovieTicketingStatus,
): MovieTicketingStatus =>
  before !== undefined && stableJson(before) === stableJson(after) ? before : after;

const conditionsWithEvents: readonly ConditionType[] = [
  'DatabaseReady',
  'MigrationsApplied',
  'Seeded',
  'ServicesReady',
  'GatewayReady',
  'Degraded',
];

/** One event for each condition whose reason changed to a problem or to success. */
export const eventsOf = (resource: MovieTicketing, after: MovieTicketingStatus): Event[] => {
  const previous = new Map(resource.status?.conditions?.map((found) => [found.type, found]));
  const recorded = new Set<string>();
  const events = (after.conditions ?? []).flatMap((condition): Event[] => {
    const { type, status, reason, message } = condition;
    const before = previous.get(type);
    const changed = before?.status !== status || before.reason !== reason;
    if (!changed || !conditionsWithEvents.includes(type)) return [];
    const problem = isProblem(reason as Reason);
    const success = status === 'True' && type !== 'Degraded' && reason !== 'NotWanted';
    if ((!problem && !success) || recorded.has(reason + message)) return [];
    recorded.add(reason + message);
    return [{ type: problem ? 'Warning' : 'Normal', reason, message: truncated(message) }];
  });
  return [...events, ...versionEvent(resource.status?.version, after.version)];
};

const versionEvent = (before: string | undefined, after: string | undefined): Event[] => {
  if (after === undefined || after === before) return [];
  return before === undefined
    ? [{ type: 'Normal', reason: 'Installed', message: `${after} is running.` }]
    : [{ type: 'Normal', reason: 'Upgraded', message: `${after} is running, after ${before}.` }];
};

/** The API server accepts 1024 bytes. */
const truncated = (message: string): string =>
  message.length <= 900 ? message : `${message.slice(0, 900)}…`;
