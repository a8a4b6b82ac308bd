import { problemOfStatus } from './nginx-problems.ts';
import { block, directive } from './nginx-syntax.ts';

const cachePath = [
  // Room for some 4,000 entries, of which the oldest goes for a new one: at 50 kB each no flood of new
  // addresses fills /tmp. What looks after max_size sleeps for up to ten seconds. Eight pages are the
  // least that nginx takes, and some kernels' pages have 64 kB.
  '/tmp/cache keys_zone=public_reads:512k max_size=64m use_temp_path=off',
  // Longer than any request lasts: nginx complains of an entry that is still in use.
  'inactive=30s',
].join(' ');

/**
 * Public reads that are asked for often, kept by nginx (docs/adr/0007). The half second in which a read
 * was asked for is part of its key, so that no later one finds it: with the quarter of a second that it
 * may have spent in its service (kit/response-cache.ts), no answer is older than three quarters. nginx's
 * own expiry counts whole seconds, and a time that the service sends would be another clock's.
 */
export const readCache = [
  directive('proxy_cache_path', cachePath),
  ...block('map $msec $half_second', [
    directive(String.raw`"~^(?<second>\d+)\.[0-4]"`, '"${second}.0"'),
    directive(String.raw`"~^(?<second>\d+)\.[5-9]"`, '"${second}.5"'),
  ]),
  // nginx would judge these by itself, and otherwise than the services, which do not know them.
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
 * For a read that the route table calls shared. What its service does not call public as well is not
 * kept: refusals, and all that is somebody's. The service is not told who asks, so that it cannot answer
 * one person alone.
 */
export const cachedRead = (requestHeaders: readonly string[]): string[] => [
  'proxy_cache public_reads;',
  'proxy_cache_key "$half_second $request_uri";',
  // Not for what is asked for once: each new address would be a file. Nor for who writes and reads.
  'proxy_cache_min_uses 5;',
  'proxy_cache_valid 200 1s;',
  'proxy_ignore_headers Cache-Control Expires X-Accel-Expires;',
  'proxy_no_cache $not_public $too_long;',
  // A third of the processor time for answers this small: one read and one write, no open and no close.
  'sendfile off;',
  'open_file_cache max=500 inactive=1s;',
  ...requestHeaders,
  'proxy_set_header Authorization "";',
  'proxy_set_header Cookie "";',
  // The client's own id, not the id of the request which fetched the answer.
  'proxy_hide_header X-Request-Id;',
  'add_header X-Request-Id $answer_id always;',
  // nginx's own 500, for want of room among the entries: it is passed on as if nothing were kept.
  'recursive_error_pages on;',
  'error_page 500 = /-/forward;',
  ...problemOfStatus,
];
