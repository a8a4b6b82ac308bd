import { Problem, problems, toProblemBody, type ProblemCode } from '@movie-ticketing/kit/problems';

import { block, headers, quote } from './nginx-syntax.ts';

type Refusal = {
  code: ProblemCode;
  /** The statuses of nginx itself that become this problem. */
  statuses: readonly number[];
  detail?: string;
  headers?: Readonly<Record<string, string>>;
  /** Headers whose value is a variable. */
  lines?: readonly string[];
};

/** Every status that nginx itself generates, and the problem of the closed list that it becomes. */
const refusals: readonly Refusal[] = [
  {
    code: 'invalid_request',
    // 412: an If-Match on a page.
    statuses: [400, 412],
    detail: 'The request is malformed, or has a query parameter that this path does not accept.',
  },
  { code: 'not_found', statuses: [403, 404], detail: 'No resource at this path.' },
  {
    code: 'method_not_allowed',
    statuses: [405],
    lines: ['add_header Allow $allow always;'],
  },
  { code: 'request_timeout', statuses: [408] },
  { code: 'payload_too_large', statuses: [413], detail: 'The body must not exceed 100 kB.' },
  { code: 'uri_too_long', statuses: [414], detail: 'The URI must not exceed 8 kB.' },
  { code: 'headers_too_large', statuses: [494], detail: 'A header must not exceed 8 kB.' },
  { code: 'too_many_requests', statuses: [429], headers: { 'Retry-After': '1' } },
  {
    code: 'unavailable',
    // 500: out of memory or files; 502: no connection, or closed without an answer; 504: no answer in time.
    statuses: [500, 502, 503, 504],
    detail:
      'The service did not answer. The request may have taken effect: repeat it with the same Idempotency-Key, or read the current state first.',
    headers: { 'Retry-After': '1' },
  },
  { code: 'not_implemented', statuses: [501], detail: 'The only transfer coding is chunked.' },
  { code: 'http_version_not_supported', statuses: [505], detail: 'Use HTTP/1.1 or HTTP/1.0.' },
];

const pathOf = (code: ProblemCode): string => `/-/problem/${code}`;

/** URIs and not named locations: nginx cannot redirect a malformed request line to a named location. */
export const problemOfStatus: readonly string[] = refusals.map(
  ({ code, statuses }) => `error_page ${statuses.map(String).join(' ')} = ${pathOf(code)};`,
);

export const nginxProblemLocations = (shared: Readonly<Record<string, string>>): string[] =>
  refusals.flatMap(({ code, detail, headers: extra = {}, lines = [] }) => {
    const problem = new Problem(code, detail === undefined ? {} : { detail });
    const body = JSON.stringify(toProblemBody(problem, '$answer_id'));
    return block(`location = ${pathOf(code)}`, [
      'internal;',
      'client_max_body_size 0;',
      'types { }',
      "default_type 'application/problem+json; charset=utf-8';",
      ...headers({ ...shared, ...extra }),
      ...lines,
      'add_header X-Request-Id $answer_id always;',
      `return ${String(problems[code].status)} ${quote(body)};`,
    ]);
  });
