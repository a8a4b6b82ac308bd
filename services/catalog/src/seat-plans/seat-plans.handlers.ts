import type { Handlers } from '@movie-ticketing/kit/endpoint';

import { created } from '../responses.ts';
import type { SeatPlanEndpoints } from './seat-plans.endpoints.ts';
import { presentSeatPlan } from './seat-plans.schema.ts';
import type { SeatPlansService } from './seat-plans.service.ts';

export const makeSeatPlanHandlers = (plans: SeatPlansService): Handlers<SeatPlanEndpoints> => ({
  replaceSeatPlan: async ({ params, query, body }) => {
    const kinds = { wheelchair: query.wheelchair_category, companion: query.companion_category };
    const plan = await plans.replace(params.id, body, { name: query.name, kinds });
    return created('seat-plans', 'seat_plan', presentSeatPlan(plan));
  },
  getSeatPlan: async ({ params }) => ({
    status: 200,
    body: { seat_plan: presentSeatPlan(await plans.get(params.id)) },
  }),
});
