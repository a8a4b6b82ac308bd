import { adminEndpoints } from './admin-resource.endpoints.ts';
import { movieEndpoints } from './movies/movies.endpoints.ts';
import { priceCards } from './price-cards/price-cards.endpoints.ts';
import { screeningPricesEndpoints } from './prices/screening-prices.endpoints.ts';
import { promoCodes } from './promo-codes/promo-codes.endpoints.ts';
import { screeningEndpoints } from './screenings/screenings.endpoints.ts';
import { seatMapEndpoints } from './seat-maps/seat-maps.endpoints.ts';
import { seatPlanEndpoints } from './seat-plans/seat-plans.endpoints.ts';
import { theaterEndpoints } from './theaters/theaters.endpoints.ts';
import { ticketTypes } from './ticket-types/ticket-types.endpoints.ts';

/** The endpoints of this service, by operationId. */
export const catalogEndpoints = (settings: { currency: string | undefined }) => ({
  ...movieEndpoints(settings),
  ...theaterEndpoints,
  ...screeningEndpoints(settings),
  ...seatPlanEndpoints,
  ...seatMapEndpoints,
  ...screeningPricesEndpoints,
  ...adminEndpoints(ticketTypes),
  ...adminEndpoints(priceCards(settings.currency)),
  ...adminEndpoints(promoCodes(settings.currency)),
});
