import { AsyncLocalStorage } from 'node:async_hooks';

import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Fields of every log line of a request. */
export type RequestContext = { request_id: string; trace_id?: string };

export const requestContext = new AsyncLocalStorage<RequestContext>();

/**
 * Structured logs on standard output, one JSON object a line. Our code does not log secrets or e-mail
 * addresses; `redact` removes them if it does by mistake.
 */
export const makeLogger = (
  options: { service: string; level: string },
  destination?: DestinationStream,
): Logger =>
  pino(
    {
      level: options.level,
      base: { service: options.service },
      // A copy: pino adds the fields of each line to this object.
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

/** An error for the log: name, message and stack, without the driver's `detail`, which quotes rows. */
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
