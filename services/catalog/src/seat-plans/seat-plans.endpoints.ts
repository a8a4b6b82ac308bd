import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';
import { z } from 'zod';

import { seatPlan, seatPlanFile, seatPlanQuery } from './seat-plans.schema.ts';

const tag = 'Seat plans';

export const seatPlanEndpoints = {
  replaceSeatPlan: defineEndpoint({
    method: 'put',
    path: '/theaters/:id/seat-plan',
    operationId: 'replaceSeatPlan',
    summary: 'Set the seats of a theater',
    description:
      'Makes a new version of the seat plan, for new screenings; existing ones keep theirs. `total_seats` of the theater follows it. A CSV file has the columns `zone,row,seat,category,kind,group,companion_of,x,y`, of which `row`, `seat` and `category` are required. A plan has 5,000 seats at most. `errors` names the place of each fault in the file.',
    tag,
    access: 'admin',
    params: idParams,
    query: seatPlanQuery,
    body: seatPlanFile,
    textTypes: ['text/csv'],
    maximumBodyBytes: 4_000_000,
    answers: { 201: z.strictObject({ seat_plan: seatPlan }) },
    problems: ['not_found'],
  }),
  getSeatPlan: defineEndpoint({
    method: 'get',
    path: '/seat-plans/:id',
    operationId: 'getSeatPlan',
    summary: 'Get a seat plan',
    description: 'A version of a seat plan never changes: it may be cached for ever.',
    tag,
    access: 'public',
    shared: true,
    immutable: true,
    params: idParams,
    answers: { 200: z.strictObject({ seat_plan: seatPlan }) },
    problems: ['not_found'],
  }),
};

export type SeatPlanEndpoints = typeof seatPlanEndpoints;
