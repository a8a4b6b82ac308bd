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
    summary: 'Find screenings',
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
    summary: 'Read a screening',
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
    summary: 'Add a screening',
    description:
      "Must start in the future. It costs what the movie costs unless a price is given, lasts as long as the movie and has the theater's seats; later changes of either do not reach it.",
    tag,
    access: 'admin',
    idempotent: true,
    body: newScreening(currency),
    answers: { 201: oneScreening },
    problems: ['not_found', 'theater_taken'],
  }),
  updateScreening: defineEndpoint({
    method: 'patch',
    path: '/screenings/:id',
    operationId: 'updateScreening',
    summary: 'Move, reprice or cancel a screening',
    description:
      'A new time or price is refused while it has live bookings, any change once it has begun. Cancelling is final; its bookings are cancelled and refunded soon after.',
    tag,
    access: 'admin',
    params: idParams,
    body: screeningChange(currency),
    answers: { 200: oneScreening },
    problems: [
      'not_found',
      'theater_taken',
      'has_live_bookings',
      'screening_started',
      'screening_cancelled',
    ],
  }),
  deleteScreening: defineEndpoint({
    method: 'delete',
    path: '/screenings/:id',
    operationId: 'deleteScreening',
    summary: 'Remove a screening',
    description: 'Refused once anyone has booked it, even if they cancelled: cancel it instead.',
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
