import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';
import { listOf } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { newScreening, screening, screeningChange, screeningQuery } from './screenings.schema.ts';

const tag = 'Screenings';
const oneScreening = z.strictObject({ screening });

const reads = {
  listScreenings: defineEndpoint({
    method: 'get',
    path: '/screenings',
    operationId: 'listScreenings',
    summary: 'List screenings',
    description: 'Sorted by starts_at, then id.',
    tag,
    access: 'public',
    shared: true,
    query: screeningQuery,
    answers: { 200: listOf('screenings', screening) },
  }),
  getScreening: defineEndpoint({
    method: 'get',
    path: '/screenings/:id',
    operationId: 'getScreening',
    summary: 'Get a screening',
    tag,
    access: 'public',
    shared: true,
    params: idParams,
    answers: { 200: oneScreening },
    problems: ['not_found'],
  }),
};

const writes = (currency: string | undefined) => ({
  createScreening: defineEndpoint({
    method: 'post',
    path: '/screenings',
    operationId: 'createScreening',
    summary: 'Create a screening',
    description:
      "A screening starts in the future, within the run of its movie by the theater's calendar day. It takes its duration and its default price from the movie and its number of seats from the theater; later changes of either do not affect it.",
    tag,
    access: 'admin',
    idempotent: true,
    body: newScreening(currency),
    answers: { 201: oneScreening },
    problems: ['not_found', 'theater_taken', 'outside_run'],
  }),
  updateScreening: defineEndpoint({
    method: 'patch',
    path: '/screenings/:id',
    operationId: 'updateScreening',
    summary: 'Update or cancel a screening',
    description:
      'A new time or price is refused while there are live bookings. total_seats can grow, and shrink to the number of booked seats; another theater brings its own number of seats, and the live bookings must fit. Nothing changes after the start. A cancelled screening stays cancelled, and its bookings are cancelled and refunded soon after.',
    tag,
    access: 'admin',
    params: idParams,
    body: screeningChange(currency),
    answers: { 200: oneScreening },
    problems: [
      'not_found',
      'theater_taken',
      'outside_run',
      'has_live_bookings',
      'screening_started',
      'screening_cancelled',
    ],
  }),
  deleteScreening: defineEndpoint({
    method: 'delete',
    path: '/screenings/:id',
    operationId: 'deleteScreening',
    summary: 'Delete a screening',
    description:
      'Refused where the screening was ever booked, even if the booking was cancelled. Cancel the screening instead.',
    tag,
    access: 'admin',
    params: idParams,
    answers: { 204: null },
    problems: ['not_found', 'in_use'],
  }),
});

export const screeningEndpoints = ({ currency }: { currency: string | undefined }) => ({
  ...reads,
  ...writes(currency),
});

export type ScreeningEndpoints = ReturnType<typeof screeningEndpoints>;
