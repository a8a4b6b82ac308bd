// Stands for `npm start` in the tests that kill it: starts Postgres, says so, stops on SIGTERM.
import process from 'node:process';
import { EmbeddedPostgresError, startEmbeddedPostgres } from '../src/embedded-postgres.ts';

const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

try {
  const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '' });
  const heartbeat = setInterval(() => undefined, 60_000); // Postgres itself keeps no event loop alive
  process.once('SIGTERM', () => {
    clearInterval(heartbeat);
    void server.stop().then(() => {
      say({ stopped: true });
    });
  });
  say({ url: server.url });
} catch (error) {
  if (!(error instanceof EmbeddedPostgresError)) throw error;
  say({ code: error.code, message: error.message });
}
