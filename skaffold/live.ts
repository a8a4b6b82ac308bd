import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

import { watchFiles } from './changed-files.ts';

/**
 * The first process of a container under skaffold dev. It runs LIVE_MAIN from a copy of the image's
 * files and restarts it after an edit: the root file system stays read-only, and only /tmp is written.
 * The copy is made once, so edits survive a restart of the container. While the program is down it
 * answers the probes in its place: the container lives, and no request is sent to it.
 */
const {
  LIVE_MAIN: main = '',
  LIVE_FROM: from = '/app',
  LIVE_TO: to = '/tmp/app',
  PORT = '8080',
  MANAGEMENT_PORT = '9090',
} = process.env;

const pollMs = 100;
const stopWithinMs = 500;
const drainWithinMs = 20_000;
const firstRetryMs = 5_000;
const longestRetryMs = 60_000;

const log = (message: string): void => {
  console.error(JSON.stringify({ level: 'info', service: 'live', program: main, message }));
};

/** Packages are links into the image; links between our own packages lead into the copy. */
const copyOnce = (): void => {
  if (existsSync(to)) return;
  const unfinished = `${to}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(join(unfinished, 'node_modules'), { recursive: true });
  for (const name of readdirSync(from)) {
    if (name !== 'node_modules')
      cpSync(join(from, name), join(unfinished, name), { recursive: true });
  }
  for (const name of readdirSync(join(from, 'node_modules'))) {
    const [original, copy] = [
      join(from, 'node_modules', name),
      join(unfinished, 'node_modules', name),
    ];
    if (name !== '@movie-ticketing') symlinkSync(original, copy);
    else cpSync(original, copy, { recursive: true, verbatimSymlinks: true });
  }
  renameSync(unfinished, to);
};

const answerProbes = (port: string): Server =>
  createServer((request, response) => {
    response.statusCode = request.url === '/livez' ? 200 : 503;
    response.setHeader('Retry-After', '1');
    response.end(`${main} does not run: see the log of this container\n`);
  })
    .on('error', (error) => {
      log(`cannot answer probes on port ${port}: ${error.message}`);
    })
    .listen(Number(port));

const closeAll = async (servers: Server[]): Promise<void> => {
  await Promise.all(
    servers.splice(0).map(async (server) => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    }),
  );
};

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

const stop = async (child: ChildProcess, withinMs: number): Promise<void> => {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await ended;
  clearTimeout(timer);
};

const start = (): ChildProcess =>
  spawn(
    process.execPath,
    // For skaffold debug; the address is not announced in the log.
    ['--inspect=127.0.0.1:9229', '--inspect-publish-uid=http', main],
    { cwd: to, stdio: 'inherit', env: { ...process.env, NODE_COMPILE_CACHE: `${to}.cache` } },
  );

copyOnce();
const changedFiles = watchFiles(
  readdirSync(to, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map(({ name }) => join(to, name)),
);
const standIns: Server[] = [];
let child = start();
let retryMs = firstRetryMs;
let retryAt = Infinity;
let stopping = false;
const isStopping = (): boolean => stopping; // set by a signal, between two lines of the loop

const takeDown = (): void => {
  log(`the program ended with ${String(child.exitCode ?? child.signalCode)}: waiting for an edit`);
  standIns.push(answerProbes(PORT), answerProbes(MANAGEMENT_PORT));
  retryAt = Date.now() + retryMs;
  retryMs = Math.min(retryMs * 2, longestRetryMs);
};

const restart = async (): Promise<void> => {
  await stop(child, stopWithinMs);
  await closeAll(standIns);
  retryAt = Infinity;
  if (!isStopping()) child = start();
};

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    stopping = true;
    void stop(child, drainWithinMs).then(() => process.exit(0));
  });
}

for (;;) {
  await delay(pollMs);
  const changed = changedFiles();
  if (changed.length > 0) {
    // An edit of several files arrives in pieces: until nothing more comes.
    do await delay(pollMs);
    while (changedFiles().length > 0);
    log(
      `restarting after an edit of ${changed.map((path) => path.slice(to.length + 1)).join(', ')}`,
    );
    retryMs = firstRetryMs;
    await restart();
  } else if (isStopping()) continue;
  else if (hasEnded(child) && standIns.length === 0) takeDown();
  else if (Date.now() > retryAt) await restart();
}
