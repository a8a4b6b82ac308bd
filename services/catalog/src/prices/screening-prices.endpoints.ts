import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';
import { z } from 'zod';

import { screeningPrices } from './screening-prices.schema.ts';

export const screeningPricesEndpoints = {
  getScreeningPrices: defineEndpoint({
    method: 'get',
    path: '/screenings/:id/prices',
    operationId: 'getScreeningPrices',
    summary: 'Get the prices of a screening',
    description:
      'What one ticket costs, for every active ticket type and category of seats. Without a price card there is one price for everyone.',
    tag: 'Prices',
    access: 'public',
    shared: true,
    params: idParams,
    answers: { 200: z.strictObject({ prices: screeningPrices }) },
    problems: ['not_found'],
  }),
};
