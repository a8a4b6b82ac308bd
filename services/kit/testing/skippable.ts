import { test } from '@jest/globals';

const MARK = ' [skipped: ';

/** `test` where the machine has what the test needs, else a skipped test that says what it lacks. */
export function testIf(
  condition: boolean,
  lacking: string,
): (title: string, run: () => Promise<void> | void, timeoutMs?: number) => void {
  return (title, run, timeoutMs) => {
    if (condition) test(title, run, timeoutMs);
    else test.skip(`${title}${MARK}${lacking}]`, run, timeoutMs);
  };
}
