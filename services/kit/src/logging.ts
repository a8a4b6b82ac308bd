import { AsyncLocalStorage } from 'node:async_hooks';

import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** What every log line of a request carries. */
export type RequestContext = { request_id: string; trace_id?: string };

export const requestContext = new AsyncLocalStorage<RequestContext>();

/**
 * Structured logs, a JSON object a line, to standard output. Nothing that could hold a secret or an
 * e-mail is passed in by our code; `redact` is the net below.
 */
export const makeLogger = (
  options: { service: string; level: string },
  destination?: DestinationStream,
): Logger =>
  pino(
    {
      level: options.level,
      base: { service: options.service },
      // A copy: pino adds each line's own fields to what it is given here.
      mixin: () => ({ ...requestContext.getStore() }),
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: {
        paths: [
          'password',
          '*.password',
          'email',
          '*.email',
          'token',
          '*.token',
          'authorization',
          '*.authorization',
          'refresh_token',
          '*.refresh_token',
          'payment_token',
          '*.payment_token',
        ],
        remove: true,
      },
    },
    ...(destination === undefined ? [] : [destination]),
  );

/** An error for the log: its names, messages and stack, but not a driver's `detail`, which quotes rows. */
export const describeError = (error: unknown): Record<string, unknown> => {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error ? error.code : undefined;
  const constraint = 'constraint' in error ? error.constraint : undefined;
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(constraint === undefined ? {} : { constraint }),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
};
