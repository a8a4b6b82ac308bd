import { makeOpenApiDocument, type OpenApiDocument } from '@movie-ticketing/kit/openapi';

import { examples } from './api-examples.ts';
import { services, type EndpointsByService } from './route-table.ts';

/** The version of the API and of the programs. */
export const apiVersion = '1.0.0';

const description = `Sells every seat exactly once.

**Getting started.** \`POST /users/register\` (or \`/users/login\`) returns an \`access_token\`; send it as
\`Authorization: Bearer\`. \`GET /screenings\` lists the screenings; \`POST /bookings\` holds seats for a few
minutes; \`POST /payments\` confirms the booking.

**Format.** JSON in snake_case. Ids are whole numbers below 2^53. Times are RFC 3339 in UTC, dates are
\`YYYY-MM-DD\`. Money is \`{"amount": 1500, "currency": "USD"}\` in minor units. A single resource is
returned in an envelope with its name, a list in the plural with \`next_cursor\`, which is null on the last page.

**Lists** accept \`limit\` (1 to 200, default 50) and \`cursor\` (the \`next_cursor\` of the previous page,
with the same filters). Each operation documents its sort order; ties are sorted by id.

**Errors** are \`application/problem+json\` (RFC 9457) with a \`code\` from a closed list, see the schema
\`ProblemCode\`. Unknown fields and unknown query parameters are rejected. A method that a path does not
support is 405 with \`Allow\`; an unknown path is 404 before sign-in is checked. 429 and 503 carry
\`Retry-After\`.

**Idempotent requests.** An operation that accepts \`Idempotency-Key\` can be repeated with the same key and
body after a 5xx or a lost connection: it takes effect once. The stored response is returned for 24 hours with
\`Idempotent-Replayed: true\`; the same key with a different body is 422.

**Payments.** The payment provider is simulated; \`payment_token\` selects its outcome, see
\`POST /payments\`.

**Caching.** Reads carry \`ETag\`; with \`If-None-Match\` the response is 304 while nothing has changed.
Public reads are at most one second old. Every response carries \`X-Request-Id\`; \`traceparent\`
(W3C Trace Context) is accepted.
`;

const tags = [
  { name: 'Sign-in', description: 'Registration, sessions and access tokens.' },
  { name: 'Movies', description: 'The movies that are shown.' },
  { name: 'Theaters', description: 'Auditoriums with their time zones and numbers of seats.' },
  { name: 'Screenings', description: 'One movie in one theater at one time, with its free seats.' },
  { name: 'Seat plans', description: 'The numbered seats of theaters, in versions.' },
  { name: 'Prices', description: 'Ticket types, price cards and promo codes.' },
  { name: 'Bookings', description: 'Seats that a user holds, and after payment has bought.' },
  { name: 'Payments', description: 'Pay for a booking and read the outcome.' },
  { name: 'Users', description: 'The current user.' },
  { name: 'Administration', description: 'Other users and their roles.' },
  { name: 'Service', description: 'Health check and API description.' },
] as const;

/** The OpenAPI document of all services together. */
export const makeApiDocument = (endpoints: EndpointsByService): OpenApiDocument =>
  makeOpenApiDocument({
    title: 'Movie ticketing',
    version: apiVersion,
    description,
    tags,
    endpoints: services.flatMap((service) => endpoints[service]),
    examples,
  });
