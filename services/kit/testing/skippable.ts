import { test } from '@jest/globals';

const mark = ' [skipped: ';

/** `test` if the machine has what the test needs, else a skipped test whose title says what is missing. */
export const testIf = (
  condition: boolean,
  lacking: string,
): ((title: string, run: () => Promise<void> | void, timeoutMs?: number) => void) => {
  return (title, run, timeoutMs) => {
    if (condition) test(title, run, timeoutMs);
    else test.skip(`${title}${mark}${lacking}]`, run, timeoutMs);
  };
};
