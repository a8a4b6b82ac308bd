import { cpus } from 'node:os';
import { join } from 'node:path';

import type { Database } from '@movie-ticketing/kit/database';

import { numberedSeats, resetBookings, seatId, seats, type BenchData } from './bench-data.ts';
import {
  isSeated,
  nameOf,
  type BookingCell,
  type Cell,
  type ReadCell,
  type Variant,
} from './cells.ts';
import { countSeats, findFault } from './exactness.ts';
import type { LoadGenerator, LoadPlan, LoadRequest, LoadResult } from './load.ts';
import type { BenchServer } from './server.ts';
import { secondsUntilSoldOut } from './statistics.ts';

export type Measurement = {
  cell: Cell;
  /** Good responses per second. */
  rate: number;
  load: LoadResult;
  /** Processor time of the server per response in microseconds, without the database's. */
  cpuMicros: number;
  /** Share of the machine's cores that was idle, 0 to 1. */
  idleShare: number;
  /** What SQL found wrong with the seats; undefined: they are exact. */
  fault?: string | undefined;
};

export type Bench = {
  db: Database;
  data: BenchData;
  servers: Readonly<Record<Variant, BenchServer>>;
  generator: LoadGenerator;
  seconds: number;
  warmUpSeconds: number;
  /** The folder of a CPU profile of each cell. The profiler slows the server by some per cent. */
  profileDir: string | undefined;
};

export const measure = (bench: Bench, cell: Cell): Promise<Measurement> =>
  cell.kind === 'reads' ? measureReads(bench, cell) : measureBookings(bench, cell);

const countOthers = ({ others }: LoadResult): number =>
  Object.values(others).reduce((sum, count) => sum + count, 0);

/** Processor time of the machine since its start: idle and in all. */
const machineTimes = (): { idle: number; total: number } => {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.idle + times.user + times.sys + times.nice + times.irq;
  }
  return { idle, total };
};

const loadAndCount = async (
  bench: Bench,
  cell: Cell,
  plan: LoadPlan,
): Promise<Omit<Measurement, 'fault'>> => {
  const server = bench.servers[cell.variant];
  if (bench.profileDir !== undefined) await server.startProfile();
  const cpuBefore = await server.processorSeconds();
  const before = machineTimes();
  const load = await bench.generator.run(plan);
  const after = machineTimes();
  const used = (await server.processorSeconds()) - cpuBefore;
  if (bench.profileDir !== undefined) {
    const name = nameOf(cell).replaceAll(/[^\w]+/g, '-');
    await server.stopProfile(join(bench.profileDir, `${name}.cpuprofile`));
  }
  return {
    cell,
    rate: load.good / load.seconds,
    load,
    cpuMicros: (used / (load.good + countOthers(load))) * 1e6,
    idleShare: (after.idle - before.idle) / (after.total - before.total),
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
  await bench.generator.run({ ...plan, seconds: bench.warmUpSeconds });
  return loadAndCount(bench, cell, plan);
};

/** Makes the keys of a load differ from those of all other loads, also of earlier runs. */
let loads = Date.now();

/** A request for each seat, screening after screening. */
const seatRequests = (
  tokens: readonly string[],
  screenings: readonly number[],
  isChosen: boolean,
): LoadRequest[] =>
  screenings.flatMap((screening_id) =>
    Array.from({ length: numberedSeats }, (_, position) => ({
      path: '/bookings',
      token: tokens[position % tokens.length] ?? '',
      body: JSON.stringify({
        screening_id,
        ...(isChosen ? { tickets: [{ seat: seatId(position) }] } : { num_tickets: 1 }),
      }),
    })),
  );

/** A request per user. Over a thousand screenings, no two requests share a user or a screening. */
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
    requests: isSeated(cell.target)
      ? seatRequests(bench.data.tokens, screenings, cell.target === 'chosen')
      : bench.data.tokens.map((token, index) => ({
          path: '/bookings',
          token,
          body: JSON.stringify({
            screening_id: screenings[index % screenings.length],
            num_tickets: 1,
          }),
        })),
    keyPrefix: cell.keys ? `bench-${loads.toString(36)}` : undefined,
  };
};

let cells = 0;

/**
 * Two sets of screenings take turns, one to measure and one to warm up: bookings whose clients have
 * disconnected may still be made, and must not be counted with those of the next load.
 */
const takeScreenings = (
  { data }: Bench,
  { target }: BookingCell,
): [readonly number[], readonly number[]] => {
  const all = isSeated(target)
    ? [data.seated, data.otherSeated]
    : [data.screenings, data.otherScreenings];
  const [one = [], other = []] = target === 'hot' ? all.map((set) => set.slice(0, 1)) : all;
  cells += 1;
  return cells % 2 === 1 ? [one, other] : [other, one];
};

const measureBookings = async (bench: Bench, cell: BookingCell): Promise<Measurement> => {
  const [measured, warmUp] = takeScreenings(bench, cell);
  await resetBookings(bench.db);
  const warm = await bench.generator.run(bookingPlan(bench, cell, warmUp, bench.warmUpSeconds));
  const seconds = Math.min(
    bench.seconds,
    secondsUntilSoldOut(
      (isSeated(cell.target) ? numberedSeats : seats) * measured.length,
      warm.good / warm.seconds,
    ),
  );
  const found = await loadAndCount(bench, cell, bookingPlan(bench, cell, measured, seconds));
  const fault = findFault(await countSeats(bench.db, measured), {
    good: found.load.good,
    uncertain: cell.clients + countOthers(found.load) + found.load.errors,
    keyed: cell.keys,
  });
  return { ...found, fault };
};
