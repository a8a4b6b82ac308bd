import { relative } from 'node:path';
import process from 'node:process';

// The parts of jest's results that are read here; jest's own types come with its internals.
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

const SKIPPED = new Set(['pending', 'skipped', 'todo', 'disabled']);

function describeSkip(file: FileResult, assertion: Assertion): string {
  const [, title = assertion.fullName, reason = 'no reason given'] =
    /^(.*) \[skipped: (.*)\]$/s.exec(assertion.fullName) ?? [];
  return `  ${relative(process.cwd(), file.testFilePath)}: ${title} (${reason})`;
}

/** Lists what was skipped and why; its last line is for scripts: `N passed, N failed, N skipped`. */
export function summarize(results: RunResults, listSkips = true): string {
  // With -t everything else counts as skipped, which needs no telling.
  const files = listSkips ? results.testResults : [];
  const skips = files.flatMap((file) =>
    file.testResults
      .filter(({ status }) => SKIPPED.has(status))
      .map((assertion) => describeSkip(file, assertion)),
  );
  // A file that does not load has no test to count, and must not pass for that.
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests + results.numTodoTests;
  const counts = `${String(results.numPassedTests)} passed, ${String(failed)} failed, ${String(skipped)} skipped`;
  return [...(skips.length > 0 ? ['Skipped:', ...skips] : []), counts].join('\n');
}

/** jest wants a reporter to be the default export of its file, and a class. */
export default class SkipReporter {
  readonly #filtered: boolean;

  constructor(config?: { testNamePattern?: string }) {
    this.#filtered = (config?.testNamePattern ?? '') !== '';
  }

  onRunComplete(_contexts: unknown, results: RunResults): void {
    // At exit, since jest's own summary and teardown come after every reporter of ours.
    process.once('exit', () => process.stdout.write(`${summarize(results, !this.#filtered)}\n`));
  }
}
