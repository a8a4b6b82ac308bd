import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { z } from 'zod';

import type { LoadPlan, LoadResult, LoadTool } from './load.ts';

const report = z.object({
  microseconds: z.number(),
  answers: z.number(),
  refused: z.number(),
  errors: z.number(),
  p50: z.number(),
  p99: z.number(),
});

export const hasWrk = (): boolean => {
  try {
    execFileSync('wrk', ['--version'], { stdio: 'ignore' });
  } catch (error) {
    // It prints its version and exits with 1.
    return error instanceof Error && 'status' in error && error.status === 1;
  }
  return true;
};

/** @param folder where the requests are written for its script to read */
export const makeWrk = (folder: string): LoadTool => ({
  run: async (plan) => {
    const file = join(folder, 'wrk-requests.tsv');
    writeFileSync(file, toLines(plan));
    const { stdout } = await promisify(execFile)(
      'wrk',
      [
        '--threads=1',
        `--connections=${String(plan.clients)}`,
        `--duration=${String(Math.max(1, Math.round(plan.seconds)))}s`,
        '--timeout=10s',
        `--script=${join(import.meta.dirname, 'wrk.lua')}`,
        plan.url,
        '--',
        file,
        plan.keyPrefix === undefined ? '' : `${plan.keyPrefix}-`,
      ],
      { timeout: (plan.seconds + 60) * 1_000 },
    );
    return parseReport(stdout);
  },
  close: () => undefined,
});

const toLines = ({ method, requests }: LoadPlan): string =>
  [
    method,
    ...requests.map(({ path, token = '', body = '' }) => [path, token, body].join('\t')),
  ].join('\n');

/** wrk tells 2xx and 3xx from the rest, no more. We ask for nothing that is answered by 3xx. */
export const parseReport = (stdout: string): LoadResult => {
  const line = stdout.split('\n').find((it) => it.startsWith('{'));
  if (line === undefined) throw new Error(`wrk said:\n${stdout}`);
  const found = report.parse(JSON.parse(line));
  return {
    seconds: found.microseconds / 1e6,
    good: found.answers - found.refused,
    others: found.refused === 0 ? {} : { '4xx-5xx': found.refused },
    errors: found.errors,
    p50: found.p50 / 1_000,
    p99: found.p99 / 1_000,
  };
};
