import type { Queryable } from '@movie-ticketing/kit/database';
import type { JWK } from 'jose';

export type SigningKey = {
  kid: string;
  privateJwk: JWK;
  publicJwk: JWK;
  /** Milliseconds since 1970, by the database's clock. */
  createdAt: number;
  signsFrom: number;
};

type Row = {
  now: Date;
  kid: string | null;
  private_jwk: JWK;
  public_jwk: JWK;
  created_at: Date;
  signs_from: Date;
};

const toSigningKey = (row: Row & { kid: string }): SigningKey => ({
  kid: row.kid,
  privateJwk: row.private_jwk,
  publicJwk: row.public_jwk,
  createdAt: row.created_at.getTime(),
  signsFrom: row.signs_from.getTime(),
});

const isKey = (row: Row): row is Row & { kid: string } => row.kid !== null;

// "keys" in ASCII: any number does, as long as nothing else of ours takes it.
const lockNumber = 0x6b657973;

export const makeSigningKeysRepository = (db: Queryable) => ({
  /** All keys, and what the time is where they are kept: processes need not agree on it otherwise. */
  list: async (): Promise<{ keys: SigningKey[]; now: number }> => {
    const rows = await db.query<Row>(
      `SELECT clock.now, k.kid, k.private_jwk, k.public_jwk, k.created_at, k.signs_from
         FROM (SELECT clock_timestamp() AS now) AS clock
         LEFT JOIN signing_keys AS k ON true`,
    );
    return {
      keys: rows.filter(isKey).map(toSigningKey),
      now: rows[0]?.now.getTime() ?? Date.now(),
    };
  },

  /** Until the transaction ends one process alone decides about keys. */
  lock: async (): Promise<void> => {
    await db.query('SELECT pg_advisory_xact_lock($1)', [lockNumber]);
  },

  add: async (key: SigningKey): Promise<void> => {
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

  remove: async (kids: readonly string[]): Promise<void> => {
    await db.query('DELETE FROM signing_keys WHERE kid = ANY($1)', [kids]);
  },
});
