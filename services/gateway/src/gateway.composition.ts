import { createHash } from 'node:crypto';

import { bindRoutes, type ApiResponse } from '@movie-ticketing/kit/endpoint';
import type { OpenApiDocument } from '@movie-ticketing/kit/openapi';
import type { Edge } from '@movie-ticketing/kit/pipeline';
import type { Service } from '@movie-ticketing/kit/service';

import { gatewayEndpoints } from './gateway.endpoints.ts';

/** The endpoints that the gateway itself answers. It has no state: it is always ready and stops at once. */
export const makeGatewayService = (options: { document: OpenApiDocument; edge: Edge }): Service => {
  const pong: ApiResponse = { status: 200, body: { message: 'pong' } };
  const document = openApiAnswer(options.document);
  return {
    name: 'gateway',
    routes: bindRoutes(gatewayEndpoints, {
      ping: () => Promise.resolve(pong),
      readOpenApi: () => Promise.resolve(document),
    }),
    edge: options.edge,
    ready: () => Promise.resolve(undefined),
    stop: () => Promise.resolve(),
  };
};

/** Serialised once: the document does not change while the process runs. */
const openApiAnswer = (document: OpenApiDocument): ApiResponse => {
  const json = JSON.stringify(document);
  return {
    status: 200,
    json,
    headers: {
      ETag: `"${createHash('sha256').update(json).digest('base64url').slice(0, 27)}"`,
      'Cache-Control': 'no-cache',
    },
  };
};
