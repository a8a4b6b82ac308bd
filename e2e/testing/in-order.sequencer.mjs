/** The most valuable first. Later ones use the custom resource that earlier ones installed. */
const order = [
  'install',
  'heal',
  'takeover',
  'config-change',
  'rotation',
  'database-tls',
  'autoscaling',
  'backup',
  'monitoring',
  'postgres-killed',
  'upgrade',
  'failing-version',
  'failures',
  'external-database',
  'missing-rights',
  'unrelated-secrets',
  'several-resources',
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

/** The interface of a jest sequencer, without its base class, which is not among our packages. */
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
    // Nothing: the order never depends on the last run.
  }
}
