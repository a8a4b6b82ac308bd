import type { Queryable } from '@movie-ticketing/kit/database';
import type { ExpiredRows } from '@movie-ticketing/kit/prune';

/** A network is known for as long as a session begun there could still live. */
export const expiredKnownNetworks: ExpiredRows = {
  table: 'known_networks',
  where: "last_used_at < clock_timestamp() - interval '30 days'",
  oldestFirst: 'last_used_at',
};

/** Networks from which a user has signed in. */
export const makeKnownNetworksRepository = (db: Queryable) => ({
  remember: async (userId: number, networkHash: Buffer): Promise<void> => {
    await db.query(
      `INSERT INTO known_networks AS k (user_id, network_hash) VALUES ($1, $2)
       ON CONFLICT (user_id, network_hash) DO UPDATE SET last_used_at = clock_timestamp()
       WHERE k.last_used_at < clock_timestamp() - interval '1 day'`,
      [userId, networkHash],
      'users.known_networks.remember',
    );
  },

  deleteOf: async (userId: number): Promise<void> => {
    await db.query('DELETE FROM known_networks WHERE user_id = $1', [userId]);
  },
});
