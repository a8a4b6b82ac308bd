import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['**/node_modules/', '.data/', 'coverage/', 'bench/results/', 'docs/']),
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // What `type` says is closed; `interface` can be reopened anywhere. Either is fine here.
      '@typescript-eslint/consistent-type-definitions': 'off',
      // z.infer'd handler maps and zod records read better as what they are.
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      // tsc checks these with better knowledge of the flags (noPropertyAccessFromIndexSignature).
      '@typescript-eslint/dot-notation': 'off',
      // A leading underscore says: taken for its place, or to be left out of the rest.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // A port (PaymentProvider, Queryable.query<Row>) promises a type that only its caller knows.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // `while (!isStopped())` and `for (;;)` are loops on purpose.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // Methods in object types describe what is passed around bound already: no classes here.
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'The environment is read once, in main.ts, and passed on parsed.',
        },
      ],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
    },
  },
  {
    // Programs: they read the environment and print.
    files: [
      '**/main.ts',
      '**/*.main.ts',
      'scripts/**',
      'skaffold/**',
      'bench/**',
      'services/kit/src/service-process.ts',
    ],
    rules: { 'no-console': 'off', 'no-restricted-properties': 'off' },
  },
  {
    files: ['**/test/**', '**/testing/**', 'bench/**'],
    rules: {
      // A test reads answers of any shape; the OpenAPI check holds their types.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // A missing fixture fails the test on the spot, which is what a test is for.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `expect(x).rejects` is awaited or returned where it matters.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/require-await': 'off',
      // A describe block holds a file's worth of tests.
      'max-lines-per-function': 'off',
      'no-console': 'off',
      'no-restricted-properties': 'off',
    },
  },
  {
    // What their tools want as a default export.
    files: [
      'eslint.config.ts',
      'services/kit/testing/*.global-*.ts',
      'e2e/testing/*.global-*.ts',
      'services/kit/testing/skip-reporter.ts',
    ],
    rules: { 'no-restricted-exports': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: {
      'no-restricted-exports': 'off',
      'no-console': 'off',
      'no-restricted-properties': 'off',
    },
  },
);
