import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

import { runProcess } from '@movie-ticketing/kit/service-process';

import { insertScreenings, insertSeatedScreenings, registerUsers } from './bench-data.ts';
import { openBenchDatabase } from './bench-database.ts';
import { parseOptions, type BenchOptions } from './bench.options.ts';
import { nameOf, planCells, type Variant } from './cells.ts';
import { startLoadGenerator } from './load.ts';
import { measure, type Bench, type Measurement } from './measure.ts';
import { plot } from './plots.ts';
import { describeRun, toMarkdown, toText } from './render.ts';
import { lineOf, toTables, type BenchReport } from './report.ts';
import { startServer, type BenchServer } from './server.ts';
import { summarize, type Round } from './summary.ts';

const root = join(import.meta.dirname, '..', '..');
const results = join(root, 'bench', 'results');
const scratch = join(results, 'tmp');
const users = 1_000;
const screenings = 1_000;
const seatedScreenings = 40;

type CleanUps = (() => Promise<void> | void)[];

const print = (message: string): void => {
  console.log(message);
};

type Prepared = Omit<Bench, 'servers'> & { databaseUrl: string; description: string };

const startServers = async (databaseUrl: string, cleanUps: CleanUps): Promise<Bench['servers']> => {
  const start = async (variant: Variant): Promise<BenchServer> => {
    const server = await startServer({ variant, databaseUrl });
    cleanUps.push(server.stop);
    return server;
  };
  return { batch: await start('batch'), control: await start('control') };
};

/** The database with its screenings and users. Each resource is in `cleanUps` before the next one starts. */
const prepare = async (options: BenchOptions, cleanUps: CleanUps): Promise<Prepared> => {
  print(`Starting PostgreSQL and registering ${String(users)} users`);
  const database = await openBenchDatabase({
    databaseUrl: options.databaseUrl,
    dataRoot: join(root, '.data'),
  });
  cleanUps.push(database.stop);
  const inserted = {
    ...(await insertScreenings(database.db, screenings)),
    ...(await insertSeatedScreenings(database.db, seatedScreenings)),
  };
  const generator = startLoadGenerator();
  cleanUps.push(generator.close);
  const server = await startServer({ variant: 'batch', databaseUrl: database.url });
  cleanUps.push(server.stop);
  const tokens = await registerUsers(server.url, users);
  await server.stop();
  return {
    db: database.db,
    data: { ...inserted, tokens },
    generator,
    seconds: options.seconds,
    warmUpSeconds: options.warmUpSeconds,
    profileDir: options.profile ? scratch : undefined,
    databaseUrl: database.url,
    description: database.description,
  };
};

/** All cells on server processes of their own: processes of the same code differ by 15 to 30 %. */
const measureRound = async (
  options: BenchOptions,
  prepared: Prepared,
  { round, cleanUps }: { round: number; cleanUps: CleanUps },
): Promise<Round> => {
  const servers = await startServers(prepared.databaseUrl, cleanUps);
  const cells = planCells(options);
  const measurements: Measurement[] = [];
  for (const [index, cell] of cells.entries()) {
    const measured = await measure({ ...prepared, servers }, cell);
    measurements.push(measured);
    const position = `round ${String(round)}, ${String(index + 1)}/${String(cells.length)}`;
    print(`${position.padEnd(16)} ${nameOf(cell).padEnd(42)} ${lineOf(measured)}`);
  }
  await servers.batch.stop();
  await servers.control.stop();
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
  const summaries = summarize(report.rounds);
  writeFileSync(join(results, 'latest.json'), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(join(results, 'latest.md'), toMarkdown(report, toTables(summaries)));
  for (const { name, svg } of await plot(summaries)) {
    writeFileSync(join(results, `${name}.svg`), svg);
  }
  print(`\nWritten to ${results}: latest.json, latest.md and the plots`);
};

const run = async (options: BenchOptions, cleanUps: CleanUps): Promise<void> => {
  mkdirSync(scratch, { recursive: true });
  const [loadAverage = Number.NaN] = loadavg();
  const prepared = await prepare(options, cleanUps);
  const rounds: Round[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    rounds.push(await measureRound(options, prepared, { round, cleanUps }));
  }
  const report: BenchReport = {
    takenAt: new Date().toISOString(),
    commit: commit(),
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${String(cpus().length)} cores, ${String(Math.round(totalmem() / 2 ** 30))} GB`,
    node: process.versions.node,
    database: prepared.description,
    loadAverage,
    secondsPerCell: options.seconds,
    rounds,
  };
  print(`\n${describeRun(report)}\n`);
  print(toTables(summarize(rounds)).map(toText).join('\n\n'));
  // An incomplete table could be mistaken for a complete one.
  if (!options.quick && !options.profile && options.only === undefined) await keep(report);
  if (rounds.flat().some(({ fault }) => fault !== undefined)) {
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
      if (stopping !== undefined) return; // a signal stopped it
      console.error(error);
      await stop();
      process.exit(1);
    },
  );
  return Promise.resolve(stop);
});
