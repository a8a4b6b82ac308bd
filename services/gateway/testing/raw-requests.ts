import { openRaw } from '@movie-ticketing/kit/testing/raw-http';

/** A request by its parts; `Host: x` is added unless a header is a Host. */
export type RequestParts = { line?: string; headers?: string[]; body?: string };

export const requestText = ({
  line = 'GET /ping HTTP/1.1',
  headers = [],
  body = '',
}: RequestParts): string => {
  const host = headers.some((one) => /^host ?:/i.test(one)) ? [] : ['Host: x'];
  return [line, ...host, ...headers, '', body].join('\r\n');
};

/** All that the server sends until it closes the connection. */
export const sendText = (url: string, text: string): Promise<string> =>
  openRaw(Number(new URL(url).port), text).closed;

export const sendParts = (url: string, { headers = [], ...parts }: RequestParts): Promise<string> =>
  sendText(url, requestText({ ...parts, headers: [...headers, 'Connection: close'] }));
