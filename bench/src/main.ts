import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

import { runProcess } from '@movie-ticketing/kit/service-process';

import { startAutocannon } from './autocannon.ts';
import { insertScreenings, registerPeople } from './bench-data.ts';
import { openBenchDatabase } from './bench-database.ts';
import { parseOptions, type BenchOptions } from './bench.options.ts';
import { nameOf, planCells, type Tool } from './cells.ts';
import type { LoadTool } from './load.ts';
import { measure, type Bench, type Measurement } from './measure.ts';
import { plot } from './plots.ts';
import { describeRun, toMarkdown, toText } from './render.ts';
import { lineOf, toTables, type BenchReport } from './report.ts';
import { startServer, type BenchServer } from './server.ts';
import { hasWrk, makeWrk } from './wrk.ts';

const root = join(import.meta.dirname, '..', '..');
const results = join(root, 'bench', 'results');
const scratch = join(results, 'tmp');
const people = 1_000;
const screenings = 1_000;

type CleanUps = (() => Promise<void> | void)[];

const say = (message: string): void => {
  console.log(message);
};

/** Everything up and filled; what was started is in `cleanUps` at once, whatever fails later. */
const setUp = async (
  options: BenchOptions,
  cleanUps: CleanUps,
): Promise<{ bench: Bench; database: string }> => {
  say('Starting Postgres and two servers (ours, control), registering 1,000 people');
  const database = await openBenchDatabase({
    databaseUrl: options.databaseUrl,
    dataRoot: join(root, '.data'),
  });
  cleanUps.push(database.stop);
  const made = await insertScreenings(database.db, screenings);
  const start = async (variant: 'batch' | 'control'): Promise<BenchServer> => {
    const server = await startServer({
      variant,
      databaseUrl: database.url,
    });
    cleanUps.push(server.stop);
    return server;
  };
  const servers = { batch: await start('batch'), control: await start('control') };
  const tools = new Map<Tool, LoadTool>([['autocannon', startAutocannon()]]);
  if (hasWrk()) tools.set('wrk', makeWrk(scratch));
  for (const tool of tools.values()) cleanUps.push(tool.close);
  const tokens = await registerPeople(servers.batch.url, people);
  const { seconds, warmUpSeconds } = options;
  const data = { ...made, tokens };
  const profileDir = options.profile ? scratch : undefined;
  return {
    bench: { db: database.db, data, servers, tools, seconds, warmUpSeconds, profileDir },
    database: database.description,
  };
};

const measureAll = async (options: BenchOptions, bench: Bench): Promise<Measurement[]> => {
  const cells = planCells({ ...options, hasWrk: bench.tools.has('wrk') });
  const measurements: Measurement[] = [];
  for (const [index, cell] of cells.entries()) {
    const measured = await measure(bench, cell);
    measurements.push(measured);
    const turn = `${String(index + 1)}/${String(cells.length)}`.padStart(6);
    say(`${turn}  ${nameOf(cell).padEnd(56)} ${lineOf(measured)}`);
  }
  return measurements;
};

const commit = (): string => {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
};

const keep = async (report: BenchReport): Promise<void> => {
  const tables = toTables(report.measurements);
  writeFileSync(join(results, 'latest.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(results, 'latest.md'), toMarkdown(report, tables));
  for (const { name, svg } of await plot(report.measurements)) {
    writeFileSync(join(results, `${name}.svg`), svg);
  }
  say(`\nKept in ${results}: latest.json, latest.md and the plots`);
};

const run = async (options: BenchOptions, cleanUps: CleanUps): Promise<void> => {
  mkdirSync(scratch, { recursive: true });
  const [loadAverage = Number.NaN] = loadavg();
  const { bench, database } = await setUp(options, cleanUps);
  const measurements = await measureAll(options, bench);
  const report: BenchReport = {
    takenAt: new Date().toISOString(),
    commit: commit(),
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${String(cpus().length)} cores, ${String(Math.round(totalmem() / 2 ** 30))} GB`,
    node: process.versions.node,
    database,
    loadAverage,
    secondsPerCell: options.seconds,
    measurements,
  };
  say(`\n${describeRun(report)}\n`);
  say(toTables(measurements).map(toText).join('\n\n'));
  // Half a table would pass for a whole one.
  if (!options.quick && !options.profile && options.only === undefined) await keep(report);
  if (measurements.some(({ fault }) => fault !== undefined)) {
    throw new Error('the seats are not exact: see above');
  }
};

await runProcess(async () => {
  const options = parseOptions(process.argv.slice(2), process.env);
  const cleanUps: CleanUps = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      for (const cleanUp of cleanUps.reverse()) await cleanUp();
    })());
  run(options, cleanUps).then(
    () => process.kill(process.pid, 'SIGTERM'),
    async (error: unknown) => {
      if (stopping !== undefined) return; // told to stop in the middle
      console.error(error);
      await stop();
      process.exit(1);
    },
  );
  return Promise.resolve(stop);
});
