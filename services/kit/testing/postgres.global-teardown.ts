import './postgres.global-setup.ts';
import { dropAll } from './database.ts';

/** Drops the databases of this run, and stops the server if this run started it. */
export default async function tearDown(): Promise<void> {
  try {
    await dropAll();
  } finally {
    await globalThis.testPostgres?.stop();
  }
}
