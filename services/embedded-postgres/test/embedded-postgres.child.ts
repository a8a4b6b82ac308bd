// Takes the place of `npm start` in the tests that kill it: starts PostgreSQL, prints its URL, stops on SIGTERM.
import process from 'node:process';
import { EmbeddedPostgresError, startEmbeddedPostgres } from '../src/embedded-postgres.ts';

const print = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

try {
  const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '' });
  const heartbeat = setInterval(() => undefined, 60_000); // PostgreSQL does not keep the event loop alive
  process.once('SIGTERM', () => {
    clearInterval(heartbeat);
    void server.stop().then(() => {
      print({ stopped: true });
    });
  });
  print({ url: server.url });
} catch (error) {
  if (!(error instanceof EmbeddedPostgresError)) throw error;
  print({ code: error.code, message: error.message });
}
