import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';

import { seatMap, seatMapChange } from './seat-maps.schema.ts';

const tag = 'Screenings';

export const seatMapEndpoints = {
  getSeatMap: defineEndpoint({
    method: 'get',
    path: '/screenings/:id/seats',
    operationId: 'getSeatMap',
    summary: 'Get the seat map of a screening',
    description:
      'Which seats are taken (held or sold) or blocked, in the order of the seat plan of the screening.',
    tag,
    access: 'public',
    shared: true,
    params: idParams,
    answers: { 200: seatMap },
    problems: ['not_found'],
  }),
  updateSeatMap: defineEndpoint({
    method: 'patch',
    path: '/screenings/:id/seats',
    operationId: 'updateSeatMap',
    summary: 'Block or unblock seats of a screening',
    description: 'All or nothing. A blocked seat cannot be booked by anybody.',
    tag,
    access: 'staff',
    params: idParams,
    body: seatMapChange,
    answers: { 200: seatMap },
    problems: ['not_found', 'seats_taken', 'screening_cancelled'],
  }),
};

export type SeatMapEndpoints = typeof seatMapEndpoints;
