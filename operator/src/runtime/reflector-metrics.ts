import { Counter, Gauge, makeCounter, type Registry } from '@movie-ticketing/kit/metrics';

export type ReflectorMetrics = {
  listed(kind: string): void;
  watchEnded(kind: string, why: string): void;
  /** Read when scraped. */
  observe(kind: string, state: () => { ageMs: number; synced: boolean; objects: number }): void;
};

export const makeReflectorMetrics = (registry: Registry): ReflectorMetrics => {
  const lists = makeCounter(registry, 'reflector_lists_total', 'Full lists', ['kind']);
  const ends = new Counter({
    name: 'reflector_watch_ends_total',
    help: 'Watches that ended, by reason; Finished is the server’s own regular end',
    labelNames: ['kind', 'reason'] as const,
    registers: [registry],
  });
  const states = new Map<string, () => { ageMs: number; synced: boolean; objects: number }>();
  const gauge = (
    name: string,
    help: string,
    value: (state: { ageMs: number; synced: boolean; objects: number }) => number,
  ): Gauge<'kind'> =>
    new Gauge({
      name,
      help,
      labelNames: ['kind'] as const,
      registers: [registry],
      collect() {
        for (const [kind, state] of states) this.set({ kind }, value(state()));
      },
    });
  gauge(
    'reflector_last_event_age_seconds',
    'Since the API server was last heard on this kind: a list, an event or a bookmark',
    ({ ageMs }) => ageMs / 1_000,
  );
  gauge('reflector_synced', 'Whether the first list was read', ({ synced }) => Number(synced));
  gauge('reflector_objects', 'Objects held in memory', ({ objects }) => objects);
  return {
    listed: (kind) => {
      lists.inc({ kind });
    },
    watchEnded: (kind, reason) => {
      ends.inc({ kind, reason });
    },
    observe: (kind, state) => {
      states.set(kind, state);
    },
  };
};
