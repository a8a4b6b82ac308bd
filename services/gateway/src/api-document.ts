import { makeOpenApiDocument, type OpenApiDocument } from '@movie-ticketing/kit/openapi';

import { examples } from './api-examples.ts';
import { services, type EndpointsByService } from './route-table.ts';

/** The version of the API and of what answers it. */
export const apiVersion = '1.0.0';

const description = `Sells every seat exactly once.

**Start here.** \`POST /users/register\` (or \`/users/login\`) gives an \`access_token\`; send it as
\`Authorization: Bearer\`. \`GET /screenings\` says what is on; \`POST /bookings\` holds seats for some
minutes; \`POST /payments\` turns the hold into tickets.

**Things.** JSON in snake_case. Ids are whole numbers below 2^53. Times are RFC 3339 in UTC, dates are
\`YYYY-MM-DD\`. Money is \`{"amount": 1500, "currency": "USD"}\` in minor units. A single thing comes in
an envelope named for it, a list in the plural with \`next_cursor\`, which is null on the last page.

**Lists** take \`limit\` (1 to 200, 50 unless given) and \`cursor\` (the \`next_cursor\` of the page
before, with the same filters). Each operation says how it sorts; ties go by id.

**Refusals** are \`application/problem+json\` (RFC 9457) with a \`code\` of a closed list, see the schema
\`ProblemCode\`. Unknown fields and unknown query parameters are refused. A method that a path does not
have is 405 with \`Allow\`; a path that does not exist is 404, whoever asks. 429 and 503 carry
\`Retry-After\`.

**Repeating safely.** Where \`Idempotency-Key\` is taken, a request that got no answer, or a 5xx, can be
repeated with the same key and body: it takes effect once. A stored answer comes back for 24 hours with
\`Idempotent-Replayed: true\`; the same key with another body is 422.

**Paying.** The payment provider is simulated; \`payment_token\` says how it behaves, see
\`POST /payments\`.

**Freshness.** Reads carry \`ETag\`; with \`If-None-Match\` the answer is 304 while nothing has changed.
Public reads may be up to one second old, in all. Every answer carries \`X-Request-Id\`, and a
\`traceparent\` passes through.
`;

const tags = [
  { name: 'Sign-in', description: 'Registration, sessions and access tokens.' },
  { name: 'Movies', description: 'What is shown.' },
  { name: 'Theaters', description: 'Where: halls with their seats and time zones.' },
  { name: 'Screenings', description: 'When: a movie in a hall, with the seats that are left.' },
  { name: 'Bookings', description: 'Holds on seats, which payment turns into tickets.' },
  { name: 'Payments', description: 'Paying for a booking, and what became of it.' },
  { name: 'Users', description: 'The current user.' },
  { name: 'Administration', description: 'Other users and their roles.' },
  { name: 'Service', description: 'The service itself: is it there, what does it offer.' },
] as const;

/** The document of the whole API, whoever answers which part. */
export const makeApiDocument = (endpoints: EndpointsByService): OpenApiDocument =>
  makeOpenApiDocument({
    title: 'Movie ticketing',
    version: apiVersion,
    description,
    tags,
    endpoints: services.flatMap((service) => endpoints[service]),
    examples,
  });
