import { parseArgs } from 'node:util';

import {
  ConfigError,
  environmentFields,
  parseEnvironment,
  type Environment,
} from '@movie-ticketing/kit/config';
import { databaseEnvironment } from '@movie-ticketing/kit/database-environment';
import { z } from 'zod';

export type BenchOptions = {
  databaseUrl: string | undefined;
  seconds: number;
  /** Repetitions of all cells, each on new server processes. */
  rounds: number;
  warmUpSeconds: number;
  clients: readonly number[];
  /** Names of the cells to measure. */
  only: RegExp | undefined;
  /** Write a CPU profile of the server for each cell. */
  profile: boolean;
  /** A smoke test: its results mean little and are not kept. */
  quick: boolean;
};

const environment = z.object({
  DATABASE_URL: databaseEnvironment.shape.DATABASE_URL,
  BENCH_SECONDS: environmentFields.integer(1, 600, 4),
});

export const usage = `npm run bench -- [options]
  --quick          a smoke test of about a minute; keeps no results
  --only <regex>   only the cells whose names match, e.g. 'hot, 256'; keeps no results
  --profile        writes a CPU profile of each cell to bench/results/tmp; keeps no results
BENCH_SECONDS      how long each cell is measured (4)
DATABASE_URL       the PostgreSQL server to create a database on, instead of an embedded one`;

/** @throws ConfigError */
export const parseOptions = (argv: readonly string[], env: Environment): BenchOptions => {
  const { DATABASE_URL, BENCH_SECONDS } = parseEnvironment(environment, env);
  const { quick, only, profile } = parseFlags(argv);
  return {
    databaseUrl: DATABASE_URL,
    seconds: quick ? 1 : BENCH_SECONDS,
    rounds: quick ? 1 : 3,
    warmUpSeconds: quick ? 1 : 2,
    clients: quick ? [64] : [16, 64, 256],
    only,
    profile,
    quick,
  };
};

const parseFlags = (argv: readonly string[]) => {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        profile: { type: 'boolean', default: false },
      },
    });
    return { ...values, only: values.only === undefined ? undefined : new RegExp(values.only) };
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
};
