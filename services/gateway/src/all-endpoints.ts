import { bookingsEndpoints } from '@movie-ticketing/bookings/bookings.endpoints';
import { catalogEndpoints } from '@movie-ticketing/catalog/catalog.endpoints';
import { usersEndpoints } from '@movie-ticketing/users/users.endpoints';

import { gatewayEndpoints } from './gateway.endpoints.ts';
import type { EndpointsByService } from './route-table.ts';

/** Every endpoint by the service that answers it; for any currency unless one is given. */
export const allEndpoints = ({
  currency,
  maxTickets = 10,
}: { currency?: string; maxTickets?: number } = {}): EndpointsByService => ({
  gateway: Object.values(gatewayEndpoints),
  catalog: Object.values(catalogEndpoints({ currency })),
  users: Object.values(usersEndpoints()),
  bookings: Object.values(bookingsEndpoints({ maxTickets })),
});
