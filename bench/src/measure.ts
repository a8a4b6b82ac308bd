import { join } from 'node:path';

import type { Database } from '@movie-ticketing/kit/database';

import { resetBookings, seats, type BenchData } from './bench-data.ts';
import {
  nameOf,
  type BookingCell,
  type Cell,
  type ReadCell,
  type Tool,
  type Variant,
} from './cells.ts';
import { countSeats, findFault } from './exactness.ts';
import type { LoadPlan, LoadResult, LoadTool } from './load.ts';
import type { BenchServer } from './server.ts';
import { secondsUntilSoldOut } from './statistics.ts';

export type Measurement = {
  cell: Cell;
  /** Good answers a second. */
  rate: number;
  load: LoadResult;
  /** The server's processor time an answer, in microseconds: steady where the rate is not. */
  cpuMicros: number;
  /** Of bookings: what SQL found wrong with the seats; undefined: they are exact. */
  fault?: string | undefined;
};

export type Bench = {
  db: Database;
  data: BenchData;
  servers: Readonly<Record<Variant, BenchServer>>;
  tools: ReadonlyMap<Tool, LoadTool>;
  seconds: number;
  warmUpSeconds: number;
  /** A folder for a CPU profile of each cell; the profiler slows the server by some per cent. */
  profileDir: string | undefined;
};

export const measure = (bench: Bench, cell: Cell): Promise<Measurement> =>
  cell.kind === 'reads' ? measureReads(bench, cell) : measureBookings(bench, cell);

const toolOf = (bench: Bench, cell: Cell): LoadTool => {
  const tool = bench.tools.get(cell.tool);
  if (tool === undefined) throw new Error(`${cell.tool} is not here`);
  return tool;
};

const others = ({ others }: LoadResult): number =>
  Object.values(others).reduce((sum, count) => sum + count, 0);

const loadAndCount = async (
  bench: Bench,
  cell: Cell,
  plan: LoadPlan,
): Promise<Omit<Measurement, 'fault'>> => {
  const server = bench.servers[cell.variant];
  if (bench.profileDir !== undefined) await server.startProfile();
  const before = await server.processorSeconds();
  const load = await toolOf(bench, cell).run(plan);
  const used = (await server.processorSeconds()) - before;
  if (bench.profileDir !== undefined) {
    const name = nameOf(cell).replaceAll(/[^\w]+/g, '-');
    await server.stopProfile(join(bench.profileDir, `${name}.cpuprofile`));
  }
  return {
    cell,
    rate: load.good / load.seconds,
    load,
    cpuMicros: (used / (load.good + others(load))) * 1e6,
  };
};

const measureReads = async (bench: Bench, cell: ReadCell): Promise<Measurement> => {
  const path = cell.read.slice('GET '.length);
  const plan: LoadPlan = {
    url: bench.servers.batch.url,
    method: 'GET',
    clients: cell.clients,
    seconds: bench.seconds,
    requests: [{ path }],
    keyPrefix: undefined,
  };
  await toolOf(bench, cell).run({ ...plan, seconds: bench.warmUpSeconds });
  return loadAndCount(bench, cell, plan);
};

/** Sets each load's keys apart from all others', of earlier runs too. */
let loads = Date.now();

/** A person and a screening a request; over a thousand screenings no two requests share either. */
const bookingPlan = (
  bench: Bench,
  cell: BookingCell,
  screenings: readonly number[],
  seconds: number,
): LoadPlan => {
  loads += 1;
  return {
    url: bench.servers[cell.variant].url,
    method: 'POST',
    clients: cell.clients,
    seconds,
    requests: bench.data.tokens.map((token, index) => ({
      path: '/bookings',
      token,
      body: JSON.stringify({ screening_id: screenings[index % screenings.length], num_tickets: 1 }),
    })),
    keyPrefix: cell.keys ? `bench-${loads.toString(36)}` : undefined,
  };
};

let cells = 0;

/**
 * The screenings to measure and those to warm up on change places each time: bookings of the load before
 * that its clients did not wait for are still being made, and must not be counted with this one's.
 */
const takeScreenings = (
  { data }: Bench,
  howMany: number,
): [readonly number[], readonly number[]] => {
  const [one, other] = [data.screenings.slice(0, howMany), data.otherScreenings.slice(0, howMany)];
  cells += 1;
  return cells % 2 === 1 ? [one, other] : [other, one];
};

const measureBookings = async (bench: Bench, cell: BookingCell): Promise<Measurement> => {
  const tool = toolOf(bench, cell);
  const howMany = cell.target === 'hot' ? 1 : bench.data.screenings.length;
  const [measured, warmUp] = takeScreenings(bench, howMany);
  await resetBookings(bench.db);
  const warm = await tool.run(bookingPlan(bench, cell, warmUp, bench.warmUpSeconds));
  const seconds = Math.min(
    bench.seconds,
    secondsUntilSoldOut(seats * howMany, warm.good / warm.seconds),
  );
  const found = await loadAndCount(bench, cell, bookingPlan(bench, cell, measured, seconds));
  const fault = findFault(await countSeats(bench.db, measured), {
    good: found.load.good,
    uncertain: cell.clients + others(found.load) + found.load.errors,
    keyed: cell.keys,
  });
  return { ...found, fault };
};
