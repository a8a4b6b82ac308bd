import type { Queryable } from '@movie-ticketing/kit/database';
import type { Role } from '@movie-ticketing/kit/current-user';
import type { ExpiredRows } from '@movie-ticketing/kit/prune';
import { insertStatement, type ColumnValues } from '@movie-ticketing/kit/statements';

type EventName =
  | 'admin_created'
  | 'user_deleted'
  | 'password_changed'
  | 'password_reset_created'
  | 'password_reset_used'
  | 'refresh_token_reused';

/** A change of rights. Ids only, nothing personal. */
export type SecurityEvent = {
  /** The user who made the request; null for the service itself and requests without a sign-in. */
  actorId: number | null;
  /** The user whose rights changed. */
  userId: number;
  requestId: string | null;
} & ({ event: EventName } | { event: 'role_changed'; oldRole: Role; newRole: Role });

export const toColumns = (event: SecurityEvent): ColumnValues => ({
  event: event.event,
  actor_id: event.actorId,
  user_id: event.userId,
  request_id: event.requestId,
  ...(event.event === 'role_changed' ? { old_role: event.oldRole, new_role: event.newRole } : {}),
});

/** A trigger refuses to delete younger ones. */
export const expiredSecurityEvents: ExpiredRows = {
  table: 'security_events',
  where: "occurred_at < clock_timestamp() - interval '365 days'",
  oldestFirst: 'occurred_at',
};

export const makeSecurityEventsRepository = (db: Queryable) => ({
  insert: async (event: SecurityEvent): Promise<void> => {
    const { text, values } = insertStatement('security_events', toColumns(event), 'id');
    await db.query(text, values);
  },
});
