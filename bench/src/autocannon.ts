import { fork } from 'node:child_process';
import { join } from 'node:path';

import type { LoadPlan, LoadResult, LoadTool } from './load.ts';

export const startAutocannon = (): LoadTool => {
  const child = fork(join(import.meta.dirname, 'autocannon.main.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced', // JSON has no NaN, which the percentiles of no answers are
  });
  const run = (plan: LoadPlan): Promise<LoadResult> =>
    new Promise((resolve, reject) => {
      const onExit = (): void => {
        reject(new Error('autocannon ended before its time'));
      };
      child.once('exit', onExit);
      child.once('message', (result) => {
        child.off('exit', onExit);
        resolve(result as LoadResult);
      });
      child.send(plan);
    });
  return {
    run,
    close: () => {
      child.kill('SIGKILL');
    },
  };
};
