import { verifierOf } from '@movie-ticketing/kit/conditional-requests';
import type { Handlers } from '@movie-ticketing/kit/endpoint';
import { toPage } from '@movie-ticketing/kit/pagination';

import { created } from '../responses.ts';
import type { ScreeningEndpoints } from './screenings.endpoints.ts';
import { presentScreening } from './screenings.schema.ts';
import type { ScreeningsService } from './screenings.service.ts';

export type ScreeningHandlers = Handlers<ScreeningEndpoints>;

const verifier = verifierOf('screening', presentScreening);

export const makeScreeningHandlers = (screenings: ScreeningsService): ScreeningHandlers => ({
  listScreenings: async ({ query }) => {
    const { rows, nextCursor } = toPage(
      'screenings',
      await screenings.list(query),
      query.limit,
      ({ startKey, screening }) => [startKey, screening.id],
    );
    return {
      status: 200,
      body: {
        screenings: rows.map(({ screening }) => presentScreening(screening)),
        next_cursor: nextCursor,
      },
    };
  },
  getScreening: async ({ params }) => ({
    status: 200,
    body: { screening: presentScreening(await screenings.get(params.id)) },
  }),
  createScreening: ({ body, idempotency }) =>
    screenings.create(body, idempotency, (screening) =>
      created('screenings', 'screening', presentScreening(screening)),
    ),
  updateScreening: async ({ params, body, precondition }) => ({
    status: 200,
    body: {
      screening: presentScreening(await screenings.change(params.id, body, verifier(precondition))),
    },
  }),
  deleteScreening: async ({ params, precondition }) => {
    await screenings.remove(params.id, verifier(precondition));
    return { status: 204 };
  },
});
