import type { Check } from '../audit.ts';

/** Bookings with the rows of their tickets. */
const withTickets = `bookings b JOIN LATERAL (
    SELECT count(*)::int AS tickets, count(*) FILTER (WHERE t.status = 'live')::int AS live,
      bool_or(t.screening_id <> b.screening_id) AS elsewhere,
      sum(t.price_minor - t.discount_minor + t.fee_minor)::bigint AS total
    FROM tickets t WHERE t.id >= b.id * 1000 AND t.id < (b.id + 1) * 1000) AS own ON own.tickets > 0`;

export const ticketChecks: readonly Check[] = [
  {
    name: 'the tickets of a booking are live if and only if the booking is',
    promise: 5,
    sql: `SELECT b.id, b.status, b.num_tickets, own.tickets, own.live FROM ${withTickets}
      WHERE own.tickets <> b.num_tickets OR own.elsewhere
        OR own.live <> CASE WHEN b.status IN ('pending', 'confirmed') THEN b.num_tickets ELSE 0 END`,
  },
  {
    name: 'a booking of a screening with a seat plan has its tickets',
    promise: 5,
    sql: `SELECT b.id FROM bookings b JOIN screenings s ON s.id = b.screening_id
      WHERE s.seat_plan_id IS NOT NULL AND b.status IN ('pending', 'confirmed')
        AND NOT EXISTS (SELECT FROM tickets t WHERE t.id >= b.id * 1000 AND t.id < (b.id + 1) * 1000)`,
  },
  {
    name: 'every ticket belongs to a booking',
    promise: 5,
    sql: `SELECT t.id FROM tickets t WHERE NOT EXISTS (SELECT FROM bookings b WHERE b.id = t.id / 1000)`,
  },
  {
    name: 'the amounts of a booking’s tickets add up to its total',
    promise: 6,
    sql: `SELECT b.id, b.total_minor, own.total FROM ${withTickets} WHERE own.total <> b.total_minor`,
  },
  {
    name: 'the uses of a promo code are those of live bookings',
    promise: 6,
    sql: `SELECT p.id, p.uses, count(b.id)::int AS live FROM promo_codes p
      LEFT JOIN bookings b ON b.promo_code_id = p.id AND b.status IN ('pending', 'confirmed')
      GROUP BY p.id HAVING p.uses <> count(b.id)`,
  },
];
