import type { Database } from '@movie-ticketing/kit/database';
import { text } from '@movie-ticketing/kit/fields';
import { invalid, invalidFields, Problem } from '@movie-ticketing/kit/problems';

import { makeTheatersRepository } from '../theaters/theaters.repository.ts';
import { theaterNotFound } from '../theaters/theaters.service.ts';
import type { CategoryKinds } from './read-pretix-plan.ts';
import { readSeatPlan, type SeatPlanFile } from './read-seat-plan.ts';
import { makeSeatPlansRepository } from './seat-plans.repository.ts';
import type { SeatPlan } from './seat-plans.schema.ts';

export type SeatPlansService = ReturnType<typeof makeSeatPlansService>;

/** How a file is read: the name that replaces the one in the file, and the kinds of pretix's categories. */
export type SeatPlanOptions = { name: string | undefined; kinds: CategoryKinds };

/** @throws Problem invalid_request with every fault and its place in the file */
const contentOf = (file: SeatPlanFile, { name: given, kinds }: SeatPlanOptions) => {
  const read = readSeatPlan(file, kinds);
  if ('errors' in read) throw invalidFields(read.errors);
  const { name: inFile, ...content } = read;
  if (given !== undefined || inFile === undefined) return { ...content, name: given };
  const parsed = text(1, 300).safeParse(inFile);
  if (!parsed.success) throw invalid('name', parsed.error.issues[0]?.message ?? 'is not valid');
  return { ...content, name: parsed.data };
};

export const makeSeatPlansService = (db: Database) => ({
  get: async (id: number): Promise<SeatPlan> => {
    const plan = await makeSeatPlansRepository(db).find(id);
    if (plan === undefined) throw new Problem('not_found', { detail: 'Seat plan not found.' });
    return plan;
  },

  /** A new version of a theater's plan, for its new screenings. */
  replace: (theaterId: number, file: SeatPlanFile, options: SeatPlanOptions): Promise<SeatPlan> => {
    const content = contentOf(file, options);
    return db.transaction(async (tx) => {
      const theaters = makeTheatersRepository(tx);
      const theater = await theaters.lock(theaterId);
      if (theater === undefined) throw theaterNotFound();
      const plan = await makeSeatPlansRepository(tx).insert({
        ...content,
        theaterId,
        name: content.name ?? theater.name,
      });
      await theaters.update(theaterId, { seat_plan_id: plan.id, total_seats: plan.seats.length });
      return plan;
    });
  },
});
