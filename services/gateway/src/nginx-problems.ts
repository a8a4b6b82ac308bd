import { Problem, problems, toProblemBody, type ProblemCode } from '@movie-ticketing/kit/problems';

import { block, headers, quote } from './nginx-syntax.ts';

type Refusal = {
  code: ProblemCode;
  /** nginx's own statuses that become this. */
  statuses: readonly number[];
  detail?: string;
  headers?: Readonly<Record<string, string>>;
  /** Headers whose value is a variable. */
  lines?: readonly string[];
};

/** Every status that nginx can come up with by itself, and the problem of the closed list it is. */
const refusals: readonly Refusal[] = [
  {
    code: 'invalid_request',
    // 412: an If-Match on a page; 501: a transfer coding; 505: a version of HTTP.
    statuses: [400, 412, 501, 505],
    detail: 'The request cannot be read, or has a query parameter that this path does not take.',
  },
  { code: 'not_found', statuses: [403, 404], detail: 'There is nothing at this path.' },
  {
    code: 'method_not_allowed',
    statuses: [405],
    lines: ['add_header Allow $allow always;'],
  },
  { code: 'request_timeout', statuses: [408] },
  { code: 'payload_too_large', statuses: [413], detail: 'A body may have 100 kB at most.' },
  { code: 'headers_too_large', statuses: [414, 494] },
  { code: 'too_many_requests', statuses: [429], headers: { 'Retry-After': '1' } },
  {
    code: 'unavailable',
    // 500: out of memory or files; 502: nobody there, or hung up; 504: no answer in time.
    statuses: [500, 502, 503, 504],
    detail: 'The service does not answer right now. What became of the request is not known.',
    headers: { 'Retry-After': '1' },
  },
];

const pathOf = (code: ProblemCode): string => `/-/problem/${code}`;

/** A URI and no named location: nginx refuses to go to one from a request line it could not read. */
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
