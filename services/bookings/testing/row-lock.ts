import pg from 'pg';

export type HeldLock = { release: () => Promise<void> };

/**
 * A transaction on a connection of its own that stays open until `commit`: for a fixed interleaving of
 * transactions.
 */
export const openTransaction = async (
  url: string,
): Promise<{
  query: <Row = object>(text: string, values?: unknown[]) => Promise<Row[]>;
  commit: () => Promise<void>;
}> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN');
  return {
    query: async <Row>(text: string, values: unknown[] = []) =>
      (await client.query(text, values)).rows as Row[],
    commit: async () => {
      await client.query('COMMIT');
      await client.end();
    },
  };
};

/** Locks screenings as a booking does, until released. */
export const lockScreenings = async (url: string, ids: readonly number[]): Promise<HeldLock> => {
  const transaction = await openTransaction(url);
  await transaction.query(
    'SELECT FROM screenings WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE',
    [ids],
  );
  return { release: transaction.commit };
};
