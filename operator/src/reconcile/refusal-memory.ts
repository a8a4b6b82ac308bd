import type { ObjectKey } from '../objects/manifest.ts';
import type { Refusal } from '../steps/observed.ts';
import type { RefusedWrite } from './apply.ts';

/** What the API server refused of one resource's objects, and when each is sent again. */
export type Refusals = ReadonlyMap<ObjectKey, Refusal>;

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/** After the n-th refusal of the same manifest: one second, doubled each time, at most a minute. */
export const retryDelayMs = (failures: number): number =>
  Math.min(longestRetryMs, firstRetryMs * 2 ** (failures - 1));

/** The refusals after a reconcile: the new ones, and those whose objects were withheld. */
export const nextRefusals = (
  before: Refusals,
  refused: ReadonlyMap<ObjectKey, RefusedWrite>,
  withheld: readonly ObjectKey[],
  now: Date,
): Refusals => {
  const kept = withheld.flatMap((key) => {
    const refusal = before.get(key);
    return refusal === undefined ? [] : [[key, refusal] as const];
  });
  const added = [...refused].map(([key, { message, status, manifestHash }]) => {
    const last = before.get(key)?.retry;
    const failures = last?.manifestHash === manifestHash ? last.failures + 1 : 1;
    const at = new Date(now.getTime() + retryDelayMs(failures));
    return [key, { message, status, retry: { manifestHash, failures, at } }] as const;
  });
  return new Map([...kept, ...added]);
};

/** Objects that were refused, and were not before or with another status: the resource's status changes. */
export const newlyRefused = (
  before: Refusals,
  refused: ReadonlyMap<ObjectKey, RefusedWrite>,
): [ObjectKey, RefusedWrite][] =>
  [...refused].filter(([key, { status }]) => before.get(key)?.status !== status);
