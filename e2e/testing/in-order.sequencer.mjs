import TestSequencer from '@jest/test-sequencer';

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

export default class InOrder extends TestSequencer.default {
  sort(tests) {
    return [...tests].sort((a, b) => place(a) - place(b));
  }
}
