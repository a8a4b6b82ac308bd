import { isUtf8 } from 'node:buffer';

import express, { type Request as ExpressRequest, type Response as ExpressResponse } from 'express';

import { Problem } from './problems.ts';

type Parse = (req: ExpressRequest, res: ExpressResponse, done: (error?: unknown) => void) => void;

const parseJson: Parse = express.json({
  limit: 100_000,
  strict: true,
  inflate: false,
  type: () => true,
  verify: (_req, _res, bytes) => {
    // Decoded all the same, what is no UTF-8 would turn into U+FFFD: two passwords into one.
    if (!isUtf8(bytes)) throw new Error('the body is not UTF-8');
  },
});

const hasBody = (req: ExpressRequest): boolean =>
  req.headers['transfer-encoding'] !== undefined ||
  (req.headers['content-length'] !== undefined && req.headers['content-length'] !== '0');

const isJson = (contentType: string | undefined): boolean =>
  contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType);

/** Reads a JSON body of at most 100 kB; undefined where the request has none. */
export const readBody = async (req: ExpressRequest, res: ExpressResponse): Promise<unknown> => {
  if (!hasBody(req)) return undefined;
  if (!isJson(req.headers['content-type'])) {
    throw new Problem('unsupported_media_type', {
      detail: 'Send the body as Content-Type: application/json.',
    });
  }
  try {
    await new Promise<void>((resolve, reject) => {
      parseJson(req, res, (error?: unknown) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
  } catch (error) {
    throw toProblem(error);
  }
  return req.body as unknown;
};

/** What the body parser refuses, by the `type` it documents. */
const toProblem = (error: unknown): unknown => {
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  switch (type) {
    case 'entity.too.large':
      return new Problem('payload_too_large', { detail: 'A body may have 100 kB at most.' });
    case 'entity.parse.failed':
    case 'entity.verify.failed':
    case 'request.size.invalid':
    case 'request.aborted':
      return new Problem('invalid_request', {
        detail: 'The body is not valid JSON in UTF-8.',
        cause: error,
      });
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new Problem('unsupported_media_type', {
        detail: 'Send the body as plain UTF-8, not compressed.',
        cause: error,
      });
    default:
      return error;
  }
};
