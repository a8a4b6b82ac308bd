import type { Check } from '../audit.ts';

export const seatChecks: readonly Check[] = [
  {
    name: 'every seat is available or belongs to exactly one live booking',
    promise: 1,
    sql: `SELECT s.id, s.total_seats, s.available_seats, coalesce(bit_count(s.blocked), 0)::int AS blocked,
        coalesce(sum(b.num_tickets), 0)::int AS held
      FROM screenings s LEFT JOIN bookings b ON b.screening_id = s.id AND b.status IN ('pending', 'confirmed')
      GROUP BY s.id
      HAVING s.total_seats <> s.available_seats + coalesce(bit_count(s.blocked), 0) + coalesce(sum(b.num_tickets), 0)`,
  },
  {
    name: 'every taken seat is on exactly one live ticket, and every live ticket has its seat',
    promise: 5,
    sql: `SELECT s.id, bit_count(s.taken)::int AS taken, tickets.live, tickets.places
      FROM screenings s
      LEFT JOIN LATERAL (
        SELECT count(*)::int AS live, count(DISTINCT t.seat)::int AS places,
          coalesce(bool_and(t.seat < length(s.taken) AND get_bit(s.taken, least(t.seat, length(s.taken) - 1)) = 1), true) AS held
        FROM tickets t WHERE t.screening_id = s.id AND t.status = 'live' AND t.seat IS NOT NULL) AS tickets ON true
      WHERE s.seat_plan_id IS NOT NULL
        AND (tickets.live <> bit_count(s.taken) OR tickets.places <> tickets.live OR NOT tickets.held)`,
  },
];
