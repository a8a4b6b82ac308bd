import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { z } from 'zod';

const ping = defineEndpoint({
  method: 'get',
  path: '/ping',
  operationId: 'ping',
  summary: 'Health check',
  tag: 'Service',
  access: 'public',
  answers: { 200: z.strictObject({ message: z.literal('pong') }).meta({ id: 'Pong' }) },
});

const readOpenApi = defineEndpoint({
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

/** The endpoints that the gateway answers itself, by operationId. */
export const gatewayEndpoints = { ping, readOpenApi };
