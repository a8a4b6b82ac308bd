import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

import { Problem, toProblemBody } from './problems.ts';

/** A request that was refused before the application saw it. */
export type Refusal = {
  requestId: string;
  status: number;
  code: Problem['code'];
  /** The parser's error code, or the method. */
  reason: string;
  clientAddress: string;
};

/** Responds on the socket: Node has no response object for a message that its HTTP parser cannot parse. */
export const refuseOnSocket = (
  socket: Socket,
  problem: Problem,
  reason: string,
  graceMs: number,
): Refusal => {
  const requestId = randomUUID();
  const body = toProblemBody(problem, requestId);
  const json = JSON.stringify(body);
  const headers = {
    Date: new Date().toUTCString(),
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(json)),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': requestId,
    ...problem.headers,
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(
    `HTTP/1.1 ${String(body.status)} ${STATUS_CODES[body.status] ?? ''}\r\n${lines.join('')}\r\n${json}`,
  );
  closeAfterGrace(socket, graceMs);
  return {
    requestId,
    status: body.status,
    code: problem.code,
    reason,
    clientAddress: socket.remoteAddress ?? 'unknown',
  };
};

/**
 * Closes our side and reads nothing more, then destroys the socket: soon enough that a client which
 * keeps its side open costs little, late enough that it can read the answer. Closed with unread data,
 * TCP would send a reset, and the client could lose the answer.
 */
export const closeAfterGrace = (socket: Socket, graceMs: number): void => {
  socket.end();
  socket.pause();
  const timer = setTimeout(() => socket.destroy(), graceMs);
  socket.once('close', () => {
    clearTimeout(timer);
  });
};

type ParseError = NodeJS.ErrnoException & { rawPacket?: Buffer; bytesParsed?: number };

/** The problem for an error of Node's HTTP parser or of its time limits. */
export const toProblem = (error: ParseError): Problem => {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request_timeout');
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(
        startsWithLongLine(error.rawPacket) ? 'uri_too_long' : 'headers_too_large',
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem('payload_too_large', { detail: 'The chunk extensions are too long.' });
    case 'HPE_INVALID_VERSION':
      return otherVersion.test(failedRequest(error))
        ? new Problem('http_version_not_supported', { detail: 'Use HTTP/1.1 or HTTP/1.0.' })
        : malformed();
    case 'HPE_INVALID_METHOD':
      return unknownMethod.test(failedRequest(error))
        ? new Problem('not_implemented', { detail: 'The request method is unknown.' })
        : malformed();
    default:
      return malformed();
  }
};

const malformed = (): Problem =>
  new Problem('invalid_request', { detail: 'The request is not valid HTTP/1.1.' });

/** The packet from the request on that could not be parsed; others may come before it. */
const failedRequest = ({ rawPacket, bytesParsed = 0 }: ParseError): string => {
  if (rawPacket === undefined) return '';
  const before = rawPacket.subarray(0, bytesParsed).lastIndexOf('\r\n\r\n');
  return rawPacket.toString('latin1', before === -1 ? 0 : before + 4);
};

/** A request line that is valid but for its version. */
const otherVersion = /^\S+ \S+ HTTP\/\d\.\d\r\n/;

/** A request line that is valid but for its method. */
const unknownMethod = /^[!#$%&'*+.^`|~\w-]+ [^\s]+ HTTP\/1\.[01]\r\n/;

const maximumUri = 8_192;

/** The parser does not say which part was too long. The packet that broke the limit tells in most cases. */
const startsWithLongLine = (packet: Buffer | undefined): boolean => {
  if (packet === undefined) return false;
  const end = packet.indexOf('\r\n');
  return end === -1 || end > maximumUri;
};
