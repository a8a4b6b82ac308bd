import { defineEndpoint, type Endpoint } from '@movie-ticketing/kit/endpoint';
import { z } from 'zod';

export const ping = defineEndpoint({
  method: 'get',
  path: '/ping',
  operationId: 'ping',
  summary: 'Is anyone there?',
  tag: 'Service',
  access: 'public',
  answers: { 200: z.strictObject({ message: z.literal('pong') }).meta({ id: 'Pong' }) },
});

export const readOpenApi = defineEndpoint({
  method: 'get',
  path: '/openapi.json',
  operationId: 'readOpenApi',
  summary: 'This document',
  description: 'The OpenAPI 3.1 document of the whole API. `/docs` shows it as a page.',
  tag: 'Service',
  access: 'public',
  answers: {
    200: z
      .looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) })
      .describe('An OpenAPI 3.1 document'),
  },
});

/** What the gateway answers itself. */
export const gatewayEndpoints = (): Endpoint[] => [ping, readOpenApi];
