import { relative } from 'node:path';
import process from 'node:process';

// The parts of jest's results that are read here; jest publishes its types only with its internals.
type Assertion = { status: string; fullName: string };
type FileResult = { testFilePath: string; testResults: Assertion[] };
type RunResults = {
  testResults: FileResult[];
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numRuntimeErrorTestSuites: number;
};

const skippedStates = new Set(['pending', 'skipped', 'todo', 'disabled']);

const describeSkip = (file: FileResult, assertion: Assertion): string => {
  const [, title = assertion.fullName, reason = 'no reason given'] =
    /^(.*) \[skipped: (.*)\]$/s.exec(assertion.fullName) ?? [];
  return `  ${relative(process.cwd(), file.testFilePath)}: ${title} (${reason})`;
};

/** Lists what was skipped and why; its last line is for scripts: `N passed, N failed, N skipped`. */
export const summarize = (results: RunResults, listSkips = true): string => {
  // With -t every other test counts as skipped, which is not worth listing.
  const files = listSkips ? results.testResults : [];
  const skips = files.flatMap((file) =>
    file.testResults
      .filter(({ status }) => skippedStates.has(status))
      .map((assertion) => describeSkip(file, assertion)),
  );
  // A file that does not load has no tests, and counts as one failure.
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests + results.numTodoTests;
  const counts = `${String(results.numPassedTests)} passed, ${String(failed)} failed, ${String(skipped)} skipped`;
  return [...(skips.length > 0 ? ['Skipped:', ...skips] : []), counts].join('\n');
};

/** jest requires a reporter to be a class and the default export of its file. */
export default class SkipReporter {
  readonly #filtered: boolean;

  constructor(config?: { testNamePattern?: string }) {
    this.#filtered = (config?.testNamePattern ?? '') !== '';
  }

  onRunComplete(_contexts: unknown, results: RunResults): void {
    // At exit, because jest prints its summary and runs the teardown after all other reporters.
    process.once('exit', () => process.stdout.write(`${summarize(results, !this.#filtered)}\n`));
  }
}
