import type { Logger } from '@movie-ticketing/kit/logging';
import { Gauge, type Registry } from '@movie-ticketing/kit/metrics';

import { pause } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { makeLeaseStore, type Lease, type LeaseStore } from './lease.ts';
import { realTimers, type Timers } from './timers.ts';

export type LeaderElectionOptions = {
  client: KubeClient;
  namespace: string;
  name: string;
  /** Unlike any other contender's, and unlike this one's after a restart. */
  identity: string;
  /** Once, when this process leads. */
  onLeading: () => void;
  /** Once, when it led and leads no more, but for `stop`: end the process. */
  onLost: (why: string) => void;
  logger: Logger;
  registry?: Registry;
  /** Others take over after so long without a renewal. 15 s unless set. */
  leaseDurationMs?: number;
  /** Without a renewal for so long the leader counts itself out: less than the lease. 10 s unless set. */
  renewDeadlineMs?: number;
  /** Between tries. 2 s unless set. */
  retryPeriodMs?: number;
  timers?: Timers;
};

/**
 * One leader among the replicas, by a Lease. A Lease does not fence: nothing stops a request that a
 * leader sent before it froze, so `isLeading` must be asked before each write (refuseWritesUnless)
 * and writes must be harmless when late: server-side apply, deletes by uid. `isLeading` turns false
 * by the clock alone, earlier than another can take over.
 */
export type LeaderElection = {
  start(): void;
  isLeading(): boolean;
  /** Frees the Lease, so that another leads at its next try. Call it once the work has stopped. */
  stop(): Promise<void>;
};

const DEFAULTS = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

export const makeLeaderElection = (options: LeaderElectionOptions): LeaderElection => {
  const settings = { ...DEFAULTS, timers: realTimers, ...options };
  const { timers, renewDeadlineMs, leaseDurationMs, retryPeriodMs, logger } = settings;
  if (renewDeadlineMs >= leaseDurationMs || retryPeriodMs >= renewDeadlineMs)
    throw new Error('retryPeriodMs < renewDeadlineMs < leaseDurationMs must hold');
  const store = makeLeaseStore({ ...settings, timeoutMs: Math.round(renewDeadlineMs / 2) });
  const term: Term = { until: -Infinity, lease: undefined, over: false };
  const isLeading = (): boolean => !term.over && timers.now() < term.until;
  const stopping = new AbortController();
  let loop: Promise<void> | undefined;

  const attempt = makeAttempt(store, settings, term);
  const rest = (): Promise<void> =>
    pause(retryPeriodMs * (0.8 + 0.4 * Math.random()), stopping.signal);

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted && (await attempt()) !== 'held') await rest();
    if (stopping.signal.aborted) return;
    logger.info({ lease: settings.name, identity: settings.identity }, 'leading');
    settings.onLeading();
    const why = await untilLost({ attempt, rest, term, timers, stopping: stopping.signal });
    if (why === undefined) return;
    term.over = true;
    settings.onLost(why);
  };

  if (options.registry !== undefined) observe(options.registry, settings.name, isLeading);
  return {
    start: () => {
      loop ??= run();
    },
    isLeading,
    stop: async () => {
      stopping.abort();
      await loop;
      const { lease } = term;
      if (lease !== undefined && isLeading())
        await store.release(lease).catch((error: unknown) => {
          logger.warn({ error, lease: settings.name }, 'the lease runs out by itself');
        });
      term.over = true;
    },
  };
};

/** `until`: our own clock's word on how long we lead. */
type Term = { until: number; lease: Lease | undefined; over: boolean };

type Outcome = 'held' | 'another’s' | 'unknown';

/** Asks for the Lease once, and notes in `term` what came of it. */
const makeAttempt = (
  store: LeaseStore,
  settings: LeaderElectionOptions & { renewDeadlineMs: number; timers: Timers },
  term: Term,
): (() => Promise<Outcome>) => {
  const { timers, renewDeadlineMs, logger } = settings;
  const candidate = makeCandidate(store, settings.identity, timers);
  return async () => {
    // Counted from before the request: the server's renewal can only be later.
    const asked = timers.now();
    try {
      const outcome = await candidate.tryToHold();
      if (typeof outcome === 'string') return outcome;
      term.lease = outcome;
      term.until = asked + renewDeadlineMs;
      return 'held';
    } catch (error) {
      logger.warn({ error, lease: settings.name }, 'the lease could not be asked for');
      return 'unknown';
    }
  };
};

/** Renews until that fails for too long; why, or nothing when stopping. */
const untilLost = async (options: {
  attempt: () => Promise<Outcome>;
  rest: () => Promise<void>;
  term: Term;
  timers: Timers;
  stopping: AbortSignal;
}): Promise<string | undefined> => {
  const { attempt, rest, term, timers, stopping } = options;
  for (;;) {
    // A renewal may hang, and a frozen process may find its time gone by when it wakes.
    const late = afterDeadline(timers, term.until - timers.now());
    const round = async (): Promise<Outcome | undefined> => {
      await rest();
      // Who froze past the deadline does not renew, though nobody may have taken over yet.
      return stopping.aborted || timers.now() >= term.until ? undefined : attempt();
    };
    const outcome = await Promise.race([round(), late.passed]);
    late.cancel();
    if (stopping.aborted) return undefined;
    if (outcome === 'another’s') return 'the lease is another’s';
    if (timers.now() >= term.until) return 'the lease was not renewed in time';
  }
};

const afterDeadline = (
  timers: Timers,
  ms: number,
): { passed: Promise<undefined>; cancel: () => void } => {
  let cancel: () => void = () => undefined;
  const passed = new Promise<undefined>((resolve) => {
    cancel = timers.after(Math.max(0, ms), () => {
      resolve(undefined);
    });
  });
  return { passed, cancel };
};

/** Watches the Lease as others hold it: by our own clock since it last changed, for clocks differ. */
const makeCandidate = (store: LeaseStore, identity: string, timers: Timers) => {
  let seen: { version: string | undefined; at: number } = { version: undefined, at: 0 };
  const isFree = (lease: Lease): boolean => {
    const { holderIdentity = '', leaseDurationSeconds = 0 } = lease.spec ?? {};
    if (holderIdentity === '' || holderIdentity === identity) return true;
    const version = lease.metadata.resourceVersion;
    if (seen.version !== version) seen = { version, at: timers.now() };
    return timers.now() >= seen.at + leaseDurationSeconds * 1_000;
  };
  return {
    tryToHold: async (): Promise<Lease | 'another’s' | 'unknown'> => {
      const current = await store.read();
      if (current !== undefined && !isFree(current)) return 'another’s';
      return (await store.hold(current)) ?? 'unknown';
    },
  };
};

const observe = (registry: Registry, name: string, isLeading: () => boolean): void => {
  new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process leads',
    labelNames: ['name'] as const,
    registers: [registry],
    collect() {
      this.set({ name }, Number(isLeading()));
    },
  });
};
