import './postgres.global-setup.ts';
import { dropAll } from './database.ts';

/** Drops what this run made and ends the server if it is ours. */
export default async function tearDown(): Promise<void> {
  try {
    await dropAll();
  } finally {
    await globalThis.testPostgres?.stop();
  }
}
