import type { ApiResponse, Handlers } from '@movie-ticketing/kit/endpoint';
import { toPage } from '@movie-ticketing/kit/pagination';

import type { TheaterEndpoints } from './theaters.endpoints.ts';
import type { Theater } from './theaters.schema.ts';
import type { TheatersService } from './theaters.service.ts';

export type TheaterHandlers = Handlers<TheaterEndpoints>;

const created = (theater: Theater): ApiResponse => ({ status: 201, body: { theater } });

export const makeTheaterHandlers = (theaters: TheatersService): TheaterHandlers => ({
  listTheaters: async ({ query }) => {
    const { rows, nextCursor } = toPage(
      'theaters',
      await theaters.list(query),
      query.limit,
      ({ id }) => [id],
    );
    return { status: 200, body: { theaters: rows, next_cursor: nextCursor } };
  },
  getTheater: async ({ params }) => ({
    status: 200,
    body: { theater: await theaters.get(params.id) },
  }),
  createTheater: ({ body, idempotency }) => theaters.create(body, idempotency, created),
  updateTheater: async ({ params, body }) => ({
    status: 200,
    body: { theater: await theaters.change(params.id, body) },
  }),
  deleteTheater: async ({ params }) => {
    await theaters.remove(params.id);
    return { status: 204 };
  },
});
