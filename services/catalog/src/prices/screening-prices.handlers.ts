import type { Handlers } from '@movie-ticketing/kit/endpoint';

import type { screeningPricesEndpoints } from './screening-prices.endpoints.ts';
import { presentScreeningPrices } from './screening-prices.schema.ts';
import type { ScreeningPricesService } from './screening-prices.service.ts';

export const makeScreeningPricesHandlers = (
  prices: ScreeningPricesService,
): Handlers<typeof screeningPricesEndpoints> => ({
  getScreeningPrices: async ({ params }) => ({
    status: 200,
    body: { prices: presentScreeningPrices(await prices.get(params.id)) },
  }),
});
