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
      // We write `type`; declarations that merge with those of a library need `interface`.
      '@typescript-eslint/consistent-type-definitions': 'off',
      // Index signatures and Record are both readable.
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      // tsc checks this itself (noPropertyAccessFromIndexSignature).
      '@typescript-eslint/dot-notation': 'off',
      // A leading underscore marks a parameter kept for its position, or a property left out of the rest.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // Only the caller of Queryable.query<Row> knows the type of a row.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // `for (;;)` is intended.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // The functions of our object types do not use `this`.
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Read the environment in main.ts only, and pass parsed values.',
        },
      ],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
    },
  },
  {
    // Programs read the environment and print.
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
      // Tests read responses of any shape; the OpenAPI check verifies their types.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // A missing value fails the test at once.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `expect(x).rejects` is awaited or returned where needed.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/require-await': 'off',
      // A describe block contains many tests.
      'max-lines-per-function': 'off',
      'no-console': 'off',
      'no-restricted-properties': 'off',
    },
  },
  {
    // Tools that require a default export.
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
