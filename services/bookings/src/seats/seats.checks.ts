import type { Check } from '../audit.ts';

export const seatChecks: readonly Check[] = [
  {
    name: 'every seat is available or belongs to exactly one live booking',
    promise: 1,
    sql: `SELECT s.id, s.total_seats, s.available_seats, coalesce(sum(b.num_tickets), 0)::int AS held
      FROM screenings s LEFT JOIN bookings b ON b.screening_id = s.id AND b.status IN ('pending', 'confirmed')
      GROUP BY s.id HAVING s.total_seats <> s.available_seats + coalesce(sum(b.num_tickets), 0)`,
  },
];
