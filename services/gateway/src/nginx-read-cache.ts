import { problemOfStatus } from './nginx-problems.ts';
import { block, directive } from './nginx-syntax.ts';

const cachePath = [
  // Room for about 4,000 entries, of which the oldest is evicted: at 50 kB each a flood of new URLs cannot
  // fill /tmp. The process that enforces max_size sleeps for up to ten seconds. nginx requires eight
  // memory pages, which have 64 kB on some kernels.
  '/tmp/cache keys_zone=public_reads:512k max_size=64m use_temp_path=off',
  // Longer than any request: nginx logs an error for an entry that is still in use.
  'inactive=30s',
].join(' ');

/**
 * nginx caches public reads that are requested often (docs/adr/0007). The cache key contains the half
 * second of the request, so that a later request does not find the entry: together with the quarter of a
 * second in the service's own cache (kit/response-cache.ts), no response is older than three quarters of
 * a second. nginx's own expiry counts whole seconds, and an expiry time sent by the service would depend
 * on another machine's clock.
 */
export const readCache = [
  directive('proxy_cache_path', cachePath),
  ...block('map $msec $half_second', [
    directive(String.raw`"~^(?<second>\d+)\.[0-4]"`, '"${second}.0"'),
    directive(String.raw`"~^(?<second>\d+)\.[5-9]"`, '"${second}.5"'),
  ]),
  // nginx would evaluate these headers itself; the services ignore them on reads.
  ...block(
    'map "$public_read$http_if_match$http_if_modified_since$http_if_unmodified_since" $shared',
    ['1 1;', 'default 0;'],
  ),
  ...block('map $upstream_http_cache_control $not_public', [
    directive(String.raw`"~^public\b"`, '0'),
    'default 1;',
  ]),
  ...block('map $upstream_http_content_length $too_long', [
    directive(String.raw`"~^[1-4]?\d{1,4}$"`, '0'),
    'default 1;',
  ]),
];

/**
 * For a read that the route table marks as shared. A response that its service does not mark as public
 * (an error, private data) is not cached. The service does not receive the credentials, so the response
 * cannot depend on the user.
 */
export const cachedRead = (requestHeaders: readonly string[]): string[] => [
  'proxy_cache public_reads;',
  'proxy_cache_key "$half_second $request_uri";',
  // Not from the first request: each new URL would become a file, and a client should read its own writes.
  'proxy_cache_min_uses 5;',
  'proxy_cache_valid 200 1s;',
  'proxy_ignore_headers Cache-Control Expires X-Accel-Expires;',
  'proxy_no_cache $not_public $too_long;',
  // Saves a third of the processor time for small responses: one read and one write, no open and no close.
  'sendfile off;',
  'open_file_cache max=500 inactive=1s;',
  ...requestHeaders,
  'proxy_set_header Authorization "";',
  'proxy_set_header Cookie "";',
  // The id of this request, not of the request that filled the cache.
  'proxy_hide_header X-Request-Id;',
  'add_header X-Request-Id $answer_id always;',
  // nginx's own 500 if the cache has no room for an entry: the request is forwarded without the cache.
  'recursive_error_pages on;',
  'error_page 500 = /-/forward;',
  ...problemOfStatus,
];
