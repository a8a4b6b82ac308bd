import { randomUUID } from 'node:crypto';

import cors from 'cors';
import express, {
  Router,
  type ErrorRequestHandler,
  type Express,
  type Request as ExpressRequest,
  type RequestHandler,
  type Response as ExpressResponse,
} from 'express';

import { requestContext, type Logger, type RequestContext } from './logging.ts';
import { clientAddress } from './client-address.ts';
import type { HttpMetrics } from './metrics.ts';
import { answerRequest, type Edge, type RequestInfo } from './pipeline.ts';
import { Problem, problems, toProblemBody } from './problems.ts';
import type { Route } from './endpoint.ts';
import { securityHeaders } from './security-headers.ts';
import type { Tracing } from './tracing.ts';

export type HttpAppOptions = {
  /** Each service's routes with what they need at the edge. */
  services: readonly { routes: readonly Route[]; edge: Edge }[];
  /** Pages that are no JSON endpoint: the reference page. */
  pages?: RequestHandler;
  logger: Logger;
  metrics: HttpMetrics;
  corsOrigins: readonly string[];
  /** How many proxies in front are trusted to append to `X-Forwarded-For`. */
  trustProxy: number;
  tracing: Tracing | undefined;
};

type Locals = RequestInfo & { route: string };

/** The Express application: every endpoint once, whatever else was asked is 404 or 405. */
export const makeHttpApp = (options: HttpAppOptions): Express => {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // One spelling a path: keys are scoped to it, and the gateway's routes match the same.
  app.enable('strict routing');
  app.enable('case sensitive routing');
  app.set('query parser', 'simple');
  app.use(begin(options));
  app.use(securityHeaders());
  if (options.corsOrigins.length > 0) app.use(allowOrigins(options.corsOrigins));
  if (options.pages !== undefined) app.use(options.pages);
  addRoutes(app, options.services);
  app.use(() => {
    throw new Problem('not_found', { detail: 'There is nothing at this path.' });
  });
  app.use(answerError(options.logger));
  return app;
};

/**
 * A router for each first segment, so that a request is held against the few patterns that could match
 * and not against all there are. Concrete paths before templated ones: PATCH /users/me is 405 and not
 * PATCH /users/:id.
 */
const addRoutes = (app: Express, services: HttpAppOptions['services']): void => {
  const found = services.flatMap(({ routes, edge }) => routes.map((route) => ({ route, edge })));
  const byPath = Map.groupBy(found, ({ route }) => route.endpoint.path);
  const parameters = (path: string): number => path.split('/:').length;
  const paths = [...byPath].sort(([a], [b]) => parameters(a) - parameters(b));
  const routers = new Map<string, Router>();
  for (const [path, here] of paths) {
    const segment = firstSegment(path);
    const router = routers.get(segment) ?? Router({ strict: true, caseSensitive: true });
    routers.set(segment, router);
    for (const { route, edge } of here) {
      router[route.endpoint.method](path, (req, res) => {
        const locals = res.locals as Locals;
        locals.route = path;
        return answerRequest(edge, route, req, res, locals);
      });
    }
    const allowed = here.map(({ route }) => route.endpoint.method.toUpperCase());
    router.all(path, refuseMethod(path, allowed));
  }
  app.use((req, res, next) => {
    const router = routers.get(firstSegment(req.path));
    if (router === undefined) next();
    else router(req, res, next);
  });
};

/** `bookings` of `/bookings/12/cancel`. */
const firstSegment = (path: string): string => path.split('/', 2)[1] ?? '';

const safeId = /^[\w.:-]{1,128}$/;
const traceParent = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/;

/** Gives the request its id, and counts and logs it once it is over, however it ends. */
const begin =
  (options: HttpAppOptions): RequestHandler =>
  (req, res, next) => {
    const started = performance.now();
    const given = req.headers['x-request-id'];
    const requestId = typeof given === 'string' && safeId.test(given) ? given : randomUUID();
    const locals = res.locals as Locals;
    locals.requestId = requestId;
    locals.address = clientAddress(
      req.socket.remoteAddress,
      req.headers['x-forwarded-for']?.toString(),
      options.trustProxy,
    );
    locals.route = 'unmatched';
    res.setHeader('X-Request-Id', requestId);
    const trace = traceParent.exec(String(req.headers['traceparent'] ?? ''))?.[1];
    const context: RequestContext = {
      request_id: requestId,
      ...(trace === undefined ? {} : { trace_id: trace }),
    };
    const endSpan = options.tracing?.startRequest(req);
    res.once('close', () => {
      const duration = performance.now() - started;
      // 499: the client hung up before its answer was written.
      const status = res.writableFinished ? res.statusCode : 499;
      options.metrics.observe(locals.route, req.method, status, duration);
      endSpan?.(locals.route, status);
      options.logger.info(
        {
          ...context,
          method: req.method,
          route: locals.route,
          status,
          duration_ms: Math.round(duration * 10) / 10,
        },
        'request',
      );
    });
    requestContext.run(context, () => {
      if (req.headers.host === undefined && req.httpVersion === '1.1') {
        throw new Problem('invalid_request', { detail: 'Send a Host header (RFC 9112).' });
      }
      next();
    });
  };

const allowOrigins = (origins: readonly string[]): RequestHandler =>
  cors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'If-Unmodified-Since',
      'traceparent',
      'tracestate',
      'X-Request-Id',
    ],
    exposedHeaders: [
      'Allow',
      'ETag',
      'Idempotent-Replayed',
      'Location',
      'Retry-After',
      'WWW-Authenticate',
      'X-Request-Id',
    ],
    maxAge: 600,
  });

const refuseMethod =
  (path: string, allowed: readonly string[]): RequestHandler =>
  (_req, res) => {
    (res.locals as Locals).route = path;
    const allow = allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed;
    throw new Problem('method_not_allowed', {
      detail: `Use ${allow.join(' or ')}.`,
      headers: { Allow: allow.join(', ') },
    });
  };

/** The one place where an error becomes an answer. What is not a Problem is a defect: logged, never shown. */
const answerError =
  (logger: Logger): ErrorRequestHandler =>
  (error: unknown, req: ExpressRequest, res: ExpressResponse, _next) => {
    const problem = toProblem(error);
    if (problem.code === 'internal') logger.error({ error, path: req.path }, 'a request failed');
    else if (problems[problem.code].status >= 500) {
      logger.warn({ code: problem.code, error: problem.cause }, 'a request was turned away');
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    sendProblem(res, problem, (res.locals as Locals).requestId);
  };

const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  // Express: a path that cannot be percent-decoded.
  if (error instanceof URIError) {
    return new Problem('invalid_request', { detail: 'The path is not valid.', cause: error });
  }
  return new Problem('internal', { cause: error });
};

const sendProblem = (res: ExpressResponse, problem: Problem, requestId: string): void => {
  const body = toProblemBody(problem, requestId);
  res.statusCode = body.status;
  // RFC 9110 wants it on every 401, a wrong password's included.
  if (body.status === 401) res.setHeader('WWW-Authenticate', 'Bearer');
  for (const [name, value] of Object.entries(problem.headers)) res.setHeader(name, value);
  if (problem.retryAfter !== undefined) res.setHeader('Retry-After', String(problem.retryAfter));
  res.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  res.removeHeader('ETag');
  res.end(JSON.stringify(body));
};
