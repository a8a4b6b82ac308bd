import { verifierOf } from '@movie-ticketing/kit/conditional-requests';
import type { Handlers } from '@movie-ticketing/kit/endpoint';
import { toPage } from '@movie-ticketing/kit/pagination';

import { created } from '../responses.ts';
import type { TheaterEndpoints } from './theaters.endpoints.ts';
import { presentTheater } from './theaters.schema.ts';
import type { TheatersService } from './theaters.service.ts';

export type TheaterHandlers = Handlers<TheaterEndpoints>;

const verifier = verifierOf('theater', presentTheater);

export const makeTheaterHandlers = (theaters: TheatersService): TheaterHandlers => ({
  listTheaters: async ({ query }) => {
    const { rows, nextCursor } = toPage(
      'theaters',
      await theaters.list(query),
      query.limit,
      ({ id }) => [id],
    );
    return { status: 200, body: { theaters: rows.map(presentTheater), next_cursor: nextCursor } };
  },
  getTheater: async ({ params }) => ({
    status: 200,
    body: { theater: presentTheater(await theaters.get(params.id)) },
  }),
  createTheater: ({ body, idempotency }) =>
    theaters.create(body, idempotency, (theater) =>
      created('theaters', 'theater', presentTheater(theater)),
    ),
  updateTheater: async ({ params, body, precondition }) => ({
    status: 200,
    body: {
      theater: presentTheater(await theaters.change(params.id, body, verifier(precondition))),
    },
  }),
  deleteTheater: async ({ params, precondition }) => {
    await theaters.remove(params.id, verifier(precondition));
    return { status: 204 };
  },
});
