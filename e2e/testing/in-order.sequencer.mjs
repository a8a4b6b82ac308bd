/** The most valuable first; later ones find the shop that earlier ones installed. */
const order = [
  'install',
  'heal',
  'takeover',
  'config-change',
  'postgres-killed',
  'upgrade',
  'failing-version',
  'failures',
  'external-database',
  'access-withdrawn',
  'others-secrets',
  'several',
  'deletion',
];

const place = ({ path }) => {
  const name = path
    .split('/')
    .at(-1)
    .replace(/\.test\.ts$/, '');
  const found = order.indexOf(name);
  return found === -1 ? order.length : found;
};

/** What jest asks of a sequencer; its own base class is no package of ours. */
export default class InOrder {
  sort(tests) {
    return [...tests].sort((a, b) => place(a) - place(b));
  }
  shard(tests, { shardIndex, shardCount }) {
    return this.sort(tests).filter((_, index) => index % shardCount === shardIndex - 1);
  }
  allFailedTests(tests) {
    return tests;
  }
  cacheResults() {
    // Nothing is remembered: the order never depends on the last run.
  }
}
