/** ES modules, so jest runs under NODE_OPTIONS=--experimental-vm-modules (see the test script). */
export default {
  testEnvironment: 'node',
  testMatch: ['**/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/e2e/'],
  modulePathIgnorePatterns: ['<rootDir>/.data/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2024', keepClassNames: true },
        module: { type: 'es6', strict: true, resolveFully: false },
        sourceMaps: 'inline',
        swcrc: false,
      },
    ],
  },
  globalSetup: './services/kit/testing/postgres.global-setup.ts',
  globalTeardown: './services/kit/testing/postgres.global-teardown.ts',
  reporters: ['default', './services/kit/testing/skip-reporter.ts'],
  // The smallest machine that runs the tests has two cores, and all workers share one PostgreSQL.
  maxWorkers: 2,
  testTimeout: 120_000,
};
