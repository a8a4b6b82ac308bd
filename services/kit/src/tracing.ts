import type { IncomingMessage } from 'node:http';

import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { z } from 'zod';

import { environmentFields } from './config.ts';

export const tracingEnvironment = z.object({
  /** Spans are sent there over OTLP/HTTP. If unset, OpenTelemetry is not loaded. */
  OTEL_EXPORTER_OTLP_ENDPOINT: environmentFields.httpUrl('http://collector:4318').optional(),
  OTEL_SERVICE_NAME: z.string().min(1).optional(),
});

export type Tracing = {
  /** Starts the span of a request as a child of its `traceparent`. Returns a function that ends it. */
  startRequest: (req: IncomingMessage) => (route: string, status: number) => void;
  stop: () => Promise<void>;
};

/**
 * Optional tracing with one span for each request. It is written by hand, because auto-instrumentation
 * doubles or triples the processor time of a small route.
 */
export const startTracing = async (
  env: z.output<typeof tracingEnvironment>,
  service: string,
): Promise<Tracing | undefined> => {
  if (env.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return undefined;
  const [sdk, otlp, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const exporter = new otlp.OTLPTraceExporter({
    url: new URL('/v1/traces', env.OTEL_EXPORTER_OTLP_ENDPOINT).href,
  });
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': env.OTEL_SERVICE_NAME ?? service }),
    spanProcessors: [new sdk.BatchSpanProcessor(exporter)],
  });
  provider.register();
  const tracer = trace.getTracer('movie-ticketing');
  return {
    startRequest: (req) => {
      const parent = propagation.extract(context.active(), req.headers);
      const span = tracer.startSpan(req.method ?? 'GET', { kind: SpanKind.SERVER }, parent);
      return (route, status) => {
        span.updateName(`${req.method ?? 'GET'} ${route}`);
        span.setAttributes({
          'http.request.method': req.method ?? 'GET',
          'http.route': route,
          'http.response.status_code': status,
        });
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      };
    },
    stop: () => provider.shutdown(),
  };
};
