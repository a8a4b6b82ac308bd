import type { ApiResponse, Handlers } from '@movie-ticketing/kit/endpoint';
import { toPage } from '@movie-ticketing/kit/pagination';

import type { ScreeningEndpoints } from './screenings.endpoints.ts';
import type { Screening } from './screenings.schema.ts';
import type { ScreeningsService } from './screenings.service.ts';

export type ScreeningHandlers = Handlers<ScreeningEndpoints>;

const created = (screening: Screening): ApiResponse => ({ status: 201, body: { screening } });

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
      body: { screenings: rows.map(({ screening }) => screening), next_cursor: nextCursor },
    };
  },
  getScreening: async ({ params }) => ({
    status: 200,
    body: { screening: await screenings.get(params.id) },
  }),
  createScreening: ({ body, idempotency }) => screenings.create(body, idempotency, created),
  updateScreening: async ({ params, body }) => ({
    status: 200,
    body: { screening: await screenings.change(params.id, body) },
  }),
  deleteScreening: async ({ params }) => {
    await screenings.remove(params.id);
    return { status: 204 };
  },
});
