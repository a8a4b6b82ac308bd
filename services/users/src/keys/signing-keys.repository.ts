import type { Queryable } from '@movie-ticketing/kit/database';
import type { JWK } from 'jose';

export type SigningKey = {
  kid: string;
  privateJwk: JWK;
  publicJwk: JWK;
  /** Milliseconds since 1970 by the database's clock. */
  createdAt: number;
  signsFrom: number;
};

const columns = 'k.kid, k.private_jwk, k.public_jwk, k.created_at, k.signs_from';

type SigningKeyRow = {
  kid: string;
  private_jwk: JWK;
  public_jwk: JWK;
  created_at: Date;
  signs_from: Date;
};

/** The database's clock, beside a key or alone. */
type ClockRow = { now: Date } & (SigningKeyRow | { kid: null });

const toSigningKey = (row: SigningKeyRow): SigningKey => ({
  kid: row.kid,
  privateJwk: row.private_jwk,
  publicJwk: row.public_jwk,
  createdAt: row.created_at.getTime(),
  signsFrom: row.signs_from.getTime(),
});

// "keys" in ASCII: the number of the advisory lock on the set of keys.
const keysLock = 0x6b657973;

export const makeSigningKeysRepository = (db: Queryable) => ({
  /** All keys, and the time by the database's clock, on which processes agree. */
  list: async (): Promise<{ keys: SigningKey[]; now: number }> => {
    const rows = await db.query<ClockRow>(
      `SELECT clock.now, ${columns}
         FROM (SELECT clock_timestamp() AS now) AS clock
         LEFT JOIN signing_keys AS k ON true`,
    );
    return {
      keys: rows.flatMap((row) => (row.kid === null ? [] : [toSigningKey(row)])),
      now: rows[0]?.now.getTime() ?? Date.now(),
    };
  },

  /** Until the transaction ends no other process changes the set of keys. */
  lock: async (): Promise<void> => {
    await db.query('SELECT pg_advisory_xact_lock($1)', [keysLock]);
  },

  insert: async (key: SigningKey): Promise<void> => {
    await db.query(
      `INSERT INTO signing_keys (kid, private_jwk, public_jwk, created_at, signs_from)
       VALUES ($1, $2, $3, to_timestamp($4::float8 / 1000), to_timestamp($5::float8 / 1000))`,
      [
        key.kid,
        JSON.stringify(key.privateJwk),
        JSON.stringify(key.publicJwk),
        key.createdAt,
        key.signsFrom,
      ],
    );
  },

  delete: async (kids: readonly string[]): Promise<void> => {
    await db.query('DELETE FROM signing_keys WHERE kid = ANY($1)', [kids]);
  },
});
