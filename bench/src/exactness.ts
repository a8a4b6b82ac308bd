import type { Database } from '@movie-ticketing/kit/database';

export type SeatCount = {
  /** Screenings whose seats do not add up. */
  wrong: number;
  bookings: number;
  keys: number;
};

/** total_seats = available_seats + live tickets, counted over the screenings that were measured. */
export const countSeats = async (
  db: Database,
  screenings: readonly number[],
): Promise<SeatCount> => {
  const [row] = await db.query<SeatCount>(
    `WITH sold AS (
       SELECT screening_id, count(*) AS bookings,
              sum(num_tickets) FILTER (WHERE status IN ('pending', 'confirmed')) AS tickets
       FROM bookings WHERE screening_id = ANY($1::bigint[]) GROUP BY screening_id
     )
     SELECT count(*) FILTER (WHERE total_seats <> available_seats + coalesce(tickets, 0))::int AS wrong,
            coalesce(sum(bookings), 0)::int AS bookings,
            (SELECT count(*) FROM bookings_idempotency_keys WHERE booking_id IS NOT NULL)::int AS keys
     FROM screenings LEFT JOIN sold ON screening_id = id WHERE id = ANY($1::bigint[])`,
    [screenings],
  );
  if (row === undefined) throw new Error('the count returned no row');
  return row;
};

/**
 * What is wrong with the seats after a load; undefined: nothing. Each response with 201 is a booking. A
 * client's last request, cut off at the end, may be one too, and so may a request that got a 5xx.
 * @param uncertain requests whose outcome is unknown
 */
export const findFault = (
  count: SeatCount,
  answers: { good: number; uncertain: number; keyed: boolean },
): string | undefined => {
  if (count.wrong > 0) return `the seats of ${String(count.wrong)} screenings do not add up`;
  if (count.bookings < answers.good) {
    return `${String(answers.good)} answers of 201, but ${String(count.bookings)} bookings`;
  }
  if (count.bookings > answers.good + answers.uncertain) {
    return `${String(count.bookings)} bookings for ${String(answers.good)} answers of 201`;
  }
  if (answers.keyed && count.keys < answers.good) {
    return `${String(answers.good)} answers of 201, but ${String(count.keys)} stored keys`;
  }
  return undefined;
};
