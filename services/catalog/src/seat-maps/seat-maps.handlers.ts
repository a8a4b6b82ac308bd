import type { Handlers } from '@movie-ticketing/kit/endpoint';

import type { SeatMapEndpoints } from './seat-maps.endpoints.ts';
import { presentSeatMap } from './seat-maps.schema.ts';
import type { SeatMapsService } from './seat-maps.service.ts';

export const makeSeatMapHandlers = (maps: SeatMapsService): Handlers<SeatMapEndpoints> => ({
  getSeatMap: async ({ params }) => ({
    status: 200,
    body: presentSeatMap(await maps.get(params.id)),
  }),
  updateSeatMap: async ({ params, body, precondition }) => ({
    status: 200,
    body: presentSeatMap(
      await maps.change(
        params.id,
        { block: body.block ?? [], unblock: body.unblock ?? [] },
        (map) => precondition?.(presentSeatMap(map)),
      ),
    ),
  }),
});
