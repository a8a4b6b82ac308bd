import type { IncomingMessage } from 'node:http';

import { Problem } from './problems.ts';

/** Longer request targets are answered 414. RFC 9110, 4.1 asks for 8,000 bytes at the least. */
const maximumUri = 8_192;
/** More in all headers together is answered 431. */
const maximumHeaders = 16_384;

const validHost = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i;

/**
 * What HTTP/1.1 requires of a message (RFC 9112) and Node's parser lets pass.
 * @throws Problem
 */
export const checkMessage = (req: IncomingMessage): void => {
  const { httpVersion, headers } = req;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    throw new Problem('http_version_not_supported', { detail: 'Use HTTP/1.1 or HTTP/1.0.' });
  }
  if ((req.url?.length ?? 0) > maximumUri) {
    throw new Problem('uri_too_long', { detail: 'The URI must not exceed 8 kB.' });
  }
  const { hosts, bytes } = measureHeaders(req.rawHeaders);
  if (bytes > maximumHeaders) {
    throw new Problem('headers_too_large', { detail: 'The headers must not exceed 16 kB.' });
  }
  if (hosts !== 1 && !(hosts === 0 && httpVersion === '1.0')) {
    throw new Problem('invalid_request', { detail: 'Send exactly one Host header.' });
  }
  if (headers.host !== undefined && !validHost.test(headers.host)) {
    throw new Problem('invalid_request', { detail: 'The Host header is not valid.' });
  }
  if (headers['transfer-encoding'] !== undefined) {
    checkTransferCoding(headers['transfer-encoding'], httpVersion);
  }
};

const measureHeaders = (rawHeaders: readonly string[]): { hosts: number; bytes: number } => {
  let hosts = 0;
  let bytes = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    bytes += name.length + (rawHeaders[index + 1]?.length ?? 0) + 4; // ": " and a line break
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return { hosts, bytes };
};

const checkTransferCoding = (coding: string, httpVersion: string): void => {
  if (httpVersion === '1.0') {
    throw new Problem('invalid_request', { detail: 'HTTP/1.0 has no Transfer-Encoding.' });
  }
  const codings = coding.toLowerCase().split(/[ \t]*,[ \t]*/);
  if (codings.at(-1) !== 'chunked') {
    throw new Problem('invalid_request', { detail: 'The last transfer coding must be chunked.' });
  }
  if (codings.length > 1) {
    throw new Problem('not_implemented', { detail: 'The only transfer coding is chunked.' });
  }
};

/**
 * The path and query of a request target: the target itself in origin form (`/movies`), without its
 * authority in absolute form (`http://example.com/movies`).
 * @throws Problem for another form
 */
export const originForm = (target: string): string => {
  if (target.startsWith('/')) return target;
  const authority = /^https?:\/\/[^/?#]*/i.exec(target)?.[0];
  if (authority === undefined) {
    throw new Problem('invalid_request', { detail: 'The request target must be a path.' });
  }
  const rest = target.slice(authority.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
};
