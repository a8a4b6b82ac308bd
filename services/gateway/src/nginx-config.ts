import { clientAddress } from './nginx-client-address.ts';
import { nginxProblemLocations, problemOfStatus } from './nginx-problems.ts';
import { cachedRead, readCache } from './nginx-read-cache.ts';
import { block, directive, headers, quote } from './nginx-syntax.ts';
import type { OwnAnswers } from './own-answers.ts';
import type { RouteTableEntry } from './route-table.ts';

export type NginxOptions = {
  /** The responses of the gateway itself, and the headers of its own problems. */
  own: OwnAnswers;
  /** The folder of the bodies of `own`, one file each, named by `pageFile`. */
  pagesDir: string;
  /** The folder where nginx/start.sh writes what is known only at start: addresses, ports, limits. */
  runDir: string;
};

/** The services behind the gateway, each of which is an nginx upstream. */
export const upstreamsOf = (routes: readonly RouteTableEntry[]): string[] => [
  ...new Set(routes.map(({ service }) => service).filter((service) => service !== 'gateway')),
];

/** The file of a response body. The name is flat because `/docs` is both a page and a folder. */
export const pageFile = (path: string): string => path.slice(1).replaceAll('/', '_');

/**
 * The complete configuration of the nginx gateway: routes of the route table are forwarded, any other
 * path is 404. Works on nginx 1.21 and later. Files under `runDir` hold what is known only at start.
 * @throws Error if the gateway itself has a route without a recorded response
 */
export const renderNginxConfig = (
  routes: readonly RouteTableEntry[],
  options: NginxOptions,
): string =>
  [
    '# Rendered from the route table by services/gateway/src/nginx-config.main.ts: do not edit.',
    ...process,
    ...block('http', [
      ...base,
      ...limits,
      ...identity,
      ...clientAddress,
      ...accessLog,
      ...readCache,
      ...forwardingKind,
      ...block('map $route $allow', [
        ...allowedMethods(routes).map(([path, allow]) => directive(path, quote(allow))),
        directive('default', quote('GET, HEAD')),
      ]),
      directive('include', `${options.runDir}/http.conf`),
      directive('include', `${options.runDir}/upstream-*.conf`),
      ...block('server', [
        directive('include', `${options.runDir}/listen.conf`),
        directive('server_name', '_'),
        ...problemOfStatus,
        ...proxy,
        ...ownLocations(routes, options),
        ...serviceLocations(routes),
        ...forwardLocations(routes),
        ...nginxProblemLocations(options.own.refusalHeaders),
        // An unknown path is 404 and not 413, whatever the size of the body.
        ...block('location /', ['client_max_body_size 0;', 'return 404;']),
      ]),
      ...management(options.runDir),
    ]),
    '',
  ].join('\n');

const process = [
  'pid /tmp/nginx.pid;',
  'error_log /dev/stderr warn;',
  // Not auto: nginx counts the cores of the machine, not those of the container.
  'worker_processes 2;',
  'worker_rlimit_nofile 16384;',
  'worker_shutdown_timeout 25s;',
  ...block('events', ['worker_connections 4096;']),
];

const base = [
  ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) =>
    directive(`${name}_temp_path`, `/tmp/${name}`),
  ),
  'default_type application/octet-stream;',
  'sendfile on;',
  'tcp_nopush on;',
  'server_tokens off;',
  'absolute_redirect off;',
  'merge_slashes off;',
  'max_ranges 0;',
  'keepalive_timeout 60s;',
  'keepalive_requests 10000;',
  // A busy client connects again after this time, so it has left a pod that is to end before nginx stops.
  'keepalive_time 4s;',
];

/** A slow client occupies a connection here, but none of a service: a body is forwarded when it is complete. */
const limits = [
  'client_max_body_size 100k;',
  'client_body_buffer_size 128k;',
  'client_header_buffer_size 2k;',
  'large_client_header_buffers 4 8k;',
  'client_header_timeout 10s;',
  'client_body_timeout 10s;',
  'send_timeout 10s;',
  'reset_timedout_connection on;',
];

/** As in kit/http-app.ts: a request id in a safe format is used, otherwise one is generated; the trace id is logged. */
const identity = [
  ...block('map $http_x_request_id $answer_id', [
    directive(String.raw`"~^[\w.:-]{1,128}$"`, '$http_x_request_id'),
    directive('default', '$request_id'),
  ]),
  ...block('map $http_traceparent $trace_id', [
    directive(String.raw`"~^[\da-f]{2}-(?<trace>[\da-f]{32})-[\da-f]{16}-[\da-f]{2}$"`, '$trace'),
    directive('default', '""'),
  ]),
];

/** One JSON object a line, with the route's pattern: the path itself could contain personal data. */
const accessLog = [
  ...block('map $route $logged_route', ['"" unmatched;', 'default $route;']),
  // 000: the client disconnected before there was a status. A JSON number cannot begin with a zero.
  ...block('map $status $logged_status', ['000 499;', 'default $status;']),
  'uninitialized_variable_warn off;',
  "log_format json escape=json '{" +
    [
      '"level":"info"',
      '"time":"$time_iso8601"',
      '"service":"gateway"',
      '"request_id":"$answer_id"',
      '"trace_id":"$trace_id"',
      '"method":"$request_method"',
      '"route":"$logged_route"',
      '"status":$logged_status',
      '"duration_s":$request_time',
      '"bytes":$bytes_sent',
      '"client":"$client"',
      '"upstream":"$upstream_addr"',
      '"upstream_status":"$upstream_status"',
      '"upstream_s":"$upstream_response_time"',
      '"cache":"$upstream_cache_status"',
      '"message":"request"',
    ].join(',') +
    "}';",
  // Whole lines: two workers write to one pipe, and a write of up to 4096 bytes is atomic.
  'access_log /dev/stdout json buffer=4k flush=1s;',
];

/**
 * Whether a request may be retried, from its method and its Idempotency-Key. nginx itself never retries
 * a POST or PATCH of which anything was sent, but it would retry DELETE: the second attempt would answer
 * 404 for a deletion that succeeded.
 */
const forwardingKind = block(
  'map "$request_method$shared$takes_key$http_idempotency_key" $forwarding',
  [
    '"~^(GET|HEAD)1" forward-shared;',
    '"~^POST[01]1." forward-keyed;',
    '"~^(GET|HEAD|OPTIONS|POST|PATCH)[01][01]" forward;',
    'default forward-once;',
  ],
);

const requestHeaders = [
  'proxy_set_header Connection "";',
  'proxy_set_header Host $host;',
  'proxy_set_header X-Request-Id $answer_id;',
  // One address, whatever the number of proxies in front: services run with TRUST_PROXY=1.
  'proxy_set_header X-Forwarded-For $client;',
  'proxy_set_header X-Forwarded-Proto $scheme;',
  'proxy_set_header X-Forwarded-Host "";',
];

const proxy = [
  'proxy_http_version 1.1;',
  ...requestHeaders,
  'proxy_connect_timeout 2s;',
  'proxy_send_timeout 10s;',
  'proxy_read_timeout 20s;',
  'proxy_next_upstream_tries 2;',
  // Failed connections are retried; a response that took longer than this is not.
  'proxy_next_upstream_timeout 5s;',
  'proxy_buffers 16 16k;',
  'proxy_buffer_size 16k;',
  'proxy_busy_buffers_size 32k;',
  'proxy_max_temp_file_size 0;',
];

const forward = (name: string, nextUpstream: string, more: readonly string[] = []): string[] =>
  block(`location = /-/${name}`, [
    'internal;',
    directive('proxy_next_upstream', nextUpstream),
    ...more,
    // Exactly as the client sent it: the service parses it.
    'proxy_pass http://$service$request_uri;',
  ]);

/** nginx counts a body in the location in which its request ends too: large ones end in one of their own. */
const forwardLocations = (routes: readonly RouteTableEntry[]): string[] => [
  ...forward('forward', 'error timeout'),
  ...forward('forward-shared', 'error timeout', cachedRead(requestHeaders)),
  ...forward('forward-keyed', 'error timeout non_idempotent'),
  ...forward('forward-once', 'off'),
  ...largeBodies(routes),
];

const largeBodies = (routes: readonly RouteTableEntry[]): string[] => {
  const limits = routes.flatMap(({ maximumBodyBytes }) => maximumBodyBytes ?? []);
  return limits.length === 0
    ? []
    : forward('forward-large', 'off', [bodyLimit(Math.max(...limits))]);
};

const bodyLimit = (bytes: number): string => directive('client_max_body_size', String(bytes));

/** As strict as the services: letter case and a trailing slash are significant. */
const locationOf = (path: string): string => {
  if (parametersIn(path) === 0) return `location = ${path}`;
  const escaped = path.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return `location ~ "^${escaped.replaceAll(/:\w+/g, '[^/]+')}$"`;
};

const parametersIn = (path: string): number => path.split('/:').length - 1;

/** One location for each path: the service itself answers 405 with the allowed methods. */
const serviceLocations = (routes: readonly RouteTableEntry[]): string[] => {
  const paths = new Map<string, RouteTableEntry[]>();
  for (const entry of routes) {
    if (entry.service !== 'gateway') {
      paths.set(entry.path, [...(paths.get(entry.path) ?? []), entry]);
    }
  }
  // nginx uses the first pattern that matches, so the most specific one must come first.
  const sorted = [...paths].sort(([a], [b]) => parametersIn(a) - parametersIn(b));
  return sorted.flatMap(([path, entries]) =>
    [...new Set(entries.map(({ service }) => service))].flatMap((service) =>
      block(locationOf(path), [
        directive('set $service', service),
        directive('set $route', path),
        directive('set $public_read', entries.some(({ shared }) => shared) ? '1' : '0'),
        directive(
          'set $takes_key',
          entries.some(({ method, idempotent }) => method === 'POST' && idempotent) ? '1' : '0',
        ),
        ...forwarding(entries),
      ]),
    ),
  );
};

const forwarding = (entries: readonly RouteTableEntry[]): string[] => {
  const large = entries.find(({ maximumBodyBytes }) => maximumBodyBytes !== undefined);
  return large?.maximumBodyBytes === undefined
    ? ['rewrite ^ /-/$forwarding last;']
    : [bodyLimit(large.maximumBodyBytes), 'rewrite ^ /-/forward-large last;'];
};

const ownLocations = (
  routes: readonly RouteTableEntry[],
  { own, pagesDir }: NginxOptions,
): string[] => {
  const endpoints = routes.filter(({ service }) => service === 'gateway').map(({ path }) => path);
  const missing = endpoints.find((path) => !own.answers.some((answer) => answer.path === path));
  if (missing !== undefined) throw new Error(`no response was recorded for ${missing}`);
  return own.answers.flatMap((answer) =>
    block(locationOf(answer.path), [
      directive('set $route', answer.path),
      // Endpoints reject unknown parameters, and these accept none; pages ignore them.
      ...(endpoints.includes(answer.path) ? block('if ($is_args)', ['return 400;']) : []),
      directive('root', pagesDir),
      'types { }',
      directive('default_type', quote(answer.contentType)),
      ...headers(answer.headers),
      'add_header X-Request-Id $answer_id always;',
      directive(`rewrite ^ /${pageFile(answer.path)}`, 'break'),
    ]),
  );
};

const allowedMethods = (routes: readonly RouteTableEntry[]): [string, string][] => {
  const methods = new Map<string, string[]>();
  for (const { path, method } of routes) {
    const also = method === 'GET' ? ['GET', 'HEAD'] : [method];
    methods.set(path, [...(methods.get(path) ?? []), ...also]);
  }
  return [...methods].map(([path, allowed]) => [path, allowed.join(', ')]);
};

/** Probes, on a port that is not published. */
const management = (runDir: string): string[] =>
  block('server', [
    directive('include', `${runDir}/listen-management.conf`),
    'access_log off;',
    'default_type application/json;',
    ...block('location = /livez', [`return 200 '{"status":"alive"}';`]),
    ...block('location = /readyz', [`return 200 '{"status":"ready"}';`]),
    ...block('location = /connections', ['stub_status;']),
    ...block('location /', [`return 404 '{"status":"not found"}';`]),
  ]);
