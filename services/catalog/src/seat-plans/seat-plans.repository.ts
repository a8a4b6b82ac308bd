import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import { insertStatement } from '@movie-ticketing/kit/statements';

import type { SeatPlan } from './seat-plans.schema.ts';

type SeatPlanRow = Pick<SeatPlan, 'id' | 'name' | 'categories' | 'seats'> & { theater_id: number };

const columns = 'id, theater_id, name, categories, seats';

const toSeatPlan = ({ theater_id: theaterId, ...row }: SeatPlanRow): SeatPlan => ({
  ...row,
  theaterId,
});

const find =
  (db: Queryable) =>
  async (id: number): Promise<SeatPlan | undefined> => {
    const [row] = await db.query<SeatPlanRow>(`SELECT ${columns} FROM seat_plans WHERE id = $1`, [
      id,
    ]);
    return row && toSeatPlan(row);
  };

const insert =
  (db: Queryable) =>
  async (plan: Omit<SeatPlan, 'id'>): Promise<SeatPlan> => {
    const { text, values } = insertStatement(
      'seat_plans',
      {
        theater_id: plan.theaterId,
        name: plan.name,
        categories: JSON.stringify(plan.categories),
        seats: JSON.stringify(plan.seats),
      },
      'id',
    );
    return { ...plan, id: onlyRow(await db.query<{ id: number }>(text, values)).id };
  };

export const makeSeatPlansRepository = (db: Queryable) => ({ find: find(db), insert: insert(db) });
