import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { Problem } from './problems.ts';

/** The largest body that most endpoints accept, in bytes. */
const usualMaximumBytes = 100_000;

/** What an endpoint accepts where it is not JSON of the usual size. */
export type BodyRules = { textTypes?: readonly string[]; maximumBodyBytes?: number };

/** Reads a JSON body, or text of an accepted type as a string; undefined if the request has none. */
export const readBody = async (
  req: IncomingMessage,
  res: ServerResponse,
  { textTypes = [], maximumBodyBytes: maximumBytes = usualMaximumBytes }: BodyRules = {},
): Promise<unknown> => {
  const length = announcedLength(req);
  if (length === 0) return undefined;
  if (length !== undefined) {
    if (length > maximumBytes) throw tooLarge(maximumBytes);
    checkType(req, textTypes);
  }
  const bytes = await readBytes(req, res, maximumBytes);
  if (bytes === null || bytes.length === 0) return undefined;
  return checkType(req, textTypes) === 'text' ? decodeText(bytes) : parseJson(bytes);
};

/** `Content-Length`, 0 without a body, undefined for a chunked one. */
const announcedLength = (req: IncomingMessage): number | undefined => {
  if (req.headers['transfer-encoding'] !== undefined) return undefined;
  return Number(req.headers['content-length'] ?? 0);
};

/**
 * Decides before the request is handled whether its connection can be kept: not if it brings a body
 * of which only a part may be read. Once the body has been read the connection is kept after all.
 */
export const prepareBody = (req: IncomingMessage, res: ServerResponse): void => {
  const { headers } = req;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  const length = announcedLength(req);
  if (length === undefined || length > usualMaximumBytes || headers.expect !== undefined) {
    res.shouldKeepAlive = false;
  }
};

const charsetOf = /;[ \t]*charset="?(?<charset>[^";\s]*)/i;

/** @throws Problem unsupported_media_type */
const checkType = (req: IncomingMessage, textTypes: readonly string[]): 'json' | 'text' => {
  const contentType = req.headers['content-type'];
  refuseEncoding(req);
  if (contentType === 'application/json') return 'json';
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json' && !textTypes.includes(type)) {
    const accepted = ['application/json', ...textTypes].join(' or ');
    throw new Problem('unsupported_media_type', {
      detail: `Send the body as Content-Type: ${accepted}.`,
    });
  }
  refuseCharset(contentType ?? '');
  return type === 'application/json' ? 'json' : 'text';
};

const refuseCharset = (contentType: string): void => {
  const charset = charsetOf.exec(contentType)?.groups?.['charset'];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
    throw new Problem('unsupported_media_type', { detail: 'Send the body in UTF-8.' });
  }
};

const refuseEncoding = (req: IncomingMessage): void => {
  const encoding = req.headers['content-encoding'];
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return;
  throw new Problem('unsupported_media_type', {
    detail: 'Send the body without Content-Encoding.',
    headers: { 'Accept-Encoding': 'identity' },
  });
};

const bodyFailures = new WeakMap<IncomingMessage, Problem>();
const bodyFailed = 'movie-ticketing:body-failed';

/** Ends the reading of a body, now or later, with a problem: it did not arrive in time or is malformed. */
export const failBody = (req: IncomingMessage, res: ServerResponse, problem: Problem): void => {
  res.shouldKeepAlive = false;
  bodyFailures.set(req, problem);
  req.emit(bodyFailed);
};

const readBytes = (
  req: IncomingMessage,
  res: ServerResponse,
  maximumBytes: number,
): Promise<Buffer | null> => {
  if (req.complete) {
    // Usual for a small body: it has arrived while the user was being authorized.
    const bytes = req.read() as Buffer | null;
    if (bytes !== null && bytes.length > maximumBytes) {
      return Promise.reject(tooLarge(maximumBytes));
    }
    keepConnection(req, res);
    return Promise.resolve(bytes);
  }
  return collectBytes(req, res, maximumBytes);
};

const collectBytes = (
  req: IncomingMessage,
  res: ServerResponse,
  maximumBytes: number,
): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const stop = (): void => {
      req.off('data', onData).off('end', onEnd).off('close', onClose).off(bodyFailed, onFailed);
    };
    const fail = (problem: Problem): void => {
      stop();
      req.pause();
      reject(problem);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maximumBytes) fail(tooLarge(maximumBytes));
      else chunks.push(chunk);
    };
    const onEnd = (): void => {
      stop();
      keepConnection(req, res);
      resolve(Buffer.concat(chunks, length));
    };
    const onFailed = (): void => {
      fail(bodyFailures.get(req) ?? malformed('The body is incomplete.'));
    };
    const onClose = (): void => {
      fail(malformed('The connection was closed before the body was complete.'));
    };
    if (bodyFailures.has(req)) {
      onFailed();
      return;
    }
    if (req.headers.expect !== undefined && /^100-continue$/i.test(req.headers.expect)) {
      res.writeContinue();
    }
    req.on('data', onData).on('end', onEnd).on('close', onClose).on(bodyFailed, onFailed);
    req.on('error', () => undefined); // 'close' follows
  });

const keepConnection = (req: IncomingMessage, res: ServerResponse): void => {
  if (!res.shouldKeepAlive) res.shouldKeepAlive = wantsKeepAlive(req);
};

/** As Node's parser decides it (RFC 9112, 9.3). */
const wantsKeepAlive = (req: IncomingMessage): boolean => {
  const options = req.headers.connection?.toLowerCase().split(/[ \t]*,[ \t]*/) ?? [];
  if (options.includes('close')) return false;
  return req.httpVersion === '1.1' || options.includes('keep-alive');
};

const decodeText = (bytes: Buffer): string => {
  // Decoded all the same, invalid UTF-8 would become U+FFFD: two passwords would become one.
  if (!isUtf8(bytes)) throw malformed('The body is not valid UTF-8.');
  return bytes.toString();
};

const parseJson = (bytes: Buffer): unknown => {
  const text = decodeText(bytes);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw malformed('The body is not valid JSON.', cause);
  }
  if (typeof parsed !== 'object' || parsed === null) {
    throw malformed('The body must be a JSON object.');
  }
  return parsed;
};

const malformed = (detail: string, cause?: unknown): Problem =>
  new Problem('invalid_request', { detail, cause });

const tooLarge = (maximumBytes: number): Problem =>
  new Problem('payload_too_large', {
    detail: `The body must not exceed ${String(maximumBytes / 1_000)} kB.`,
  });
