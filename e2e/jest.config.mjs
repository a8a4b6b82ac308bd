/** Against the cluster of the current kube context: `npm run test:e2e`. */
import base from '../jest.config.mjs';

const { globalSetup: _setup, globalTeardown: _teardown, testMatch: _match, ...shared } = base;

export default {
  ...shared,
  rootDir: '..',
  roots: ['<rootDir>/e2e'],
  testMatch: ['<rootDir>/e2e/test/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  reporters: ['default', '<rootDir>/services/kit/testing/skip-reporter.ts'],
  globalSetup: '<rootDir>/e2e/testing/cluster.global-setup.ts',
  globalTeardown: '<rootDir>/e2e/testing/cluster.global-teardown.ts',
  testSequencer: '<rootDir>/e2e/testing/in-order.sequencer.mjs',
  // One after the other: they share a custom resource and two cores.
  maxWorkers: 1,
  testTimeout: 600_000,
  verbose: true,
};
