import { randomUUID } from 'node:crypto';

import cors from 'cors';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request as ExpressRequest,
  type RequestHandler,
  type Response as ExpressResponse,
} from 'express';

import { clientAddress } from './client-address.ts';
import type { Route } from './endpoint.ts';
import { checkMessage, originForm } from './http-message.ts';
import { requestContext, type Logger, type RequestContext } from './logging.ts';
import type { HttpMetrics } from './metrics.ts';
import { answerRequest, type Edge } from './pipeline.ts';
import { Problem, problems } from './problems.ts';
import { sendProblem, writeResponse, type HeaderList, type RequestInfo } from './response.ts';
import { makeRouter } from './router.ts';
import { securityHeaders } from './security-headers.ts';
import type { Tracing } from './tracing.ts';

export type HttpAppOptions = {
  /** Each service's routes with what they need at the edge. */
  services: readonly { routes: readonly Route[]; edge: Edge }[];
  /** Pages that are not JSON endpoints: the reference page. */
  pages?: RequestHandler;
  logger: Logger;
  metrics: HttpMetrics;
  corsOrigins: readonly string[];
  /** How many proxies in front are trusted to append to `X-Forwarded-For`. */
  trustProxy: number;
  tracing: Tracing | undefined;
};

/** The route of a request that no pattern matches: a bounded label for logs and metrics. */
export const unmatchedRoute = 'unmatched';

/** What a request carries besides its message. */
export type Locals = RequestInfo & {
  /** The route's pattern, for logs and metrics. */
  route: string;
};

/** The Express application: every endpoint once; anything else is 404 or 405. */
export const makeHttpApp = (options: HttpAppOptions): Express => {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(begin(options));
  if (options.corsOrigins.length > 0) app.use(allowOrigins(options.corsOrigins), answerPreflight);
  app.use(dispatch(options.services));
  if (options.pages !== undefined) app.use(options.pages);
  app.use(() => {
    throw new Problem('not_found', { detail: 'No resource at this path.' });
  });
  app.use(answerError(options.logger));
  return app;
};

const dispatch = (services: HttpAppOptions['services']): RequestHandler => {
  const findPath = makeRouter(services);
  return (req, res, next) => {
    const match = findPath(req.path);
    if (match === undefined) {
      next();
      return;
    }
    const { entry, params } = match;
    const locals = res.locals as Locals;
    locals.route = entry.pattern;
    const found = entry.routes.get(req.method);
    if (found === undefined) throw methodNotAllowed(entry.allowed);
    req.params = params;
    answerRequest(found.edge, found.route, req, res, locals).catch(next);
  };
};

const methodNotAllowed = (allowed: readonly string[]): Problem =>
  new Problem('method_not_allowed', {
    detail: `Use ${allowed.join(' or ')}.`,
    headers: { Allow: allowed.join(', ') },
  });

const safeId = /^[\w.:-]{1,128}$/;
const traceParent = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/;

/** Gives the request its id, and counts and logs it once it is over, however it ends. */
const begin = (options: HttpAppOptions): RequestHandler => {
  const security = securityHeaders();
  return (req, res, next) => {
    const started = performance.now();
    const { headers } = req;
    const sentId = headers['x-request-id'];
    const requestId = typeof sentId === 'string' && safeId.test(sentId) ? sentId : randomUUID();
    const locals = res.locals as Locals;
    locals.requestId = requestId;
    locals.address = clientAddress(
      req.socket.remoteAddress,
      headers['x-forwarded-for']?.toString(),
      options.trustProxy,
    );
    locals.headers = ['X-Request-Id', requestId, ...security];
    locals.route = unmatchedRoute;
    const context: RequestContext = { request_id: requestId };
    const trace = headers['traceparent'];
    const traceId = typeof trace === 'string' ? traceParent.exec(trace)?.[1] : undefined;
    if (traceId !== undefined) context.trace_id = traceId;
    const endSpan = options.tracing?.startRequest(req);
    res.once('close', () => {
      const duration = performance.now() - started;
      // 499: the client disconnected before its answer was written.
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
          client: locals.address,
        },
        'request',
      );
    });
    requestContext.run(context, () => {
      prepareMessage(req, res);
      if (req.method === 'OPTIONS' && req.url === '*') answerServerOptions(res, locals.headers);
      else next();
    });
  };
};

/** @throws Problem for what HTTP/1.1 forbids; its connection ends with the answer */
const prepareMessage = (req: ExpressRequest, res: ExpressResponse): void => {
  const { shouldKeepAlive } = res;
  res.shouldKeepAlive = false;
  checkMessage(req);
  if (req.url !== '*' || req.method !== 'OPTIONS') {
    const target = originForm(req.url);
    if (target !== req.url) {
      req.url = target;
      req.originalUrl = target;
    }
  }
  res.shouldKeepAlive = shouldKeepAlive;
};

/** `OPTIONS *` asks about the server as a whole (RFC 9110, 9.3.7). */
const answerServerOptions = (res: ExpressResponse, headers: HeaderList): void => {
  writeResponse(res, 204, [...headers, 'Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
};

const allowOrigins = (origins: readonly string[]): RequestHandler =>
  cors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
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
    preflightContinue: true, // the package's own answer lacks our headers
  });

const answerPreflight: RequestHandler = (req, res, next) => {
  const isPreflight =
    req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined;
  if (isPreflight) writeResponse(res, 204, (res.locals as Locals).headers);
  else next();
};

/** The one place where an error becomes an answer. Anything but a Problem is a defect: logged, never shown. */
const answerError =
  (logger: Logger): ErrorRequestHandler =>
  (error: unknown, req: ExpressRequest, res: ExpressResponse, _next) => {
    const problem = toProblem(error);
    if (problem.code === 'internal') logger.error({ error, path: req.path }, 'request failed');
    else if (problems[problem.code].status >= 500) {
      logger.warn({ code: problem.code, error: problem.cause }, 'request refused');
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    sendProblem(res, res.locals as Locals, problem);
  };

const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  // A path that cannot be percent-decoded.
  if (error instanceof URIError) {
    return new Problem('invalid_request', { detail: 'The path is not valid.', cause: error });
  }
  return new Problem('internal', { cause: error });
};
