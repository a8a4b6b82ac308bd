// Generated from the route table by `npm run generate`. Do not edit.

/** The services that the gateway forwards requests to. */
export const servicesBehindGateway = ['catalog', 'users', 'bookings'] as const;

/** The service that publishes the keys by which the other services verify tokens. */
export const keyPublisher = 'users' as const;
