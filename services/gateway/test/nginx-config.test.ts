import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { problems } from '@movie-ticketing/kit/problems';

import { allEndpoints } from '../src/all-endpoints.ts';
import { renderNginxConfig, upstreamsOf } from '../src/nginx-config.ts';
import { quote } from '../src/nginx-syntax.ts';
import { recordOwnAnswers } from '../src/own-answers.ts';
import { makeRouteTable, type RouteTableEntry } from '../src/route-table.ts';

const routes = makeRouteTable(allEndpoints());
const own = await recordOwnAnswers();
const render = (table: readonly RouteTableEntry[]): string =>
  renderNginxConfig(table, { own, pagesDir: '/pages', runDir: '/run/gateway' });

type Location = { matches: (path: string) => boolean; exact: boolean; body: string };

/** The public server's locations, as nginx chooses among them: an exact one, else the first pattern. */
const locationsOf = (config: string): Location[] => {
  const [publicServer = ''] = config.split(
    /\n {2}server \{\n {4}include \/run\/gateway\/listen-man/,
  );
  const found = publicServer.matchAll(/^ {4}location (=|~|) ?(\S+) \{\n(.*?)\n {4}\}/gms);
  return [...found].map(([, kind, target = '', body = '']) => ({
    exact: kind === '=',
    body,
    matches:
      kind === '='
        ? (path) => path === target
        : kind === '~'
          ? (path) => new RegExp(target.replaceAll('"', '')).test(path)
          : (path) => path.startsWith(target),
  }));
};

const chooser = (config: string): ((path: string) => string) => {
  const locations = locationsOf(config);
  return (path) =>
    (
      locations.find(({ exact, matches }) => exact && matches(path)) ??
      locations.find(({ exact, matches }) => !exact && matches(path))
    )?.body ?? '';
};

const choose = chooser(render(routes));
const serviceOf = (body: string): string | undefined => /set \$service (\w+);/.exec(body)?.[1];
const isForwarded = (body: string): boolean =>
  /rewrite \^ \/-\/(?:\$forwarding|forward-large) last;/.test(body);
const example = (path: string): string => path.replaceAll(/:\w+/g, '17');

const behind = routes.filter(({ service }) => service !== 'gateway');
const table = (entries: readonly RouteTableEntry[]): [string, RouteTableEntry][] =>
  entries.map((entry) => [`${entry.method} ${entry.path}`, entry]);

describe('routes', () => {
  test.each(table(behind))('%s is forwarded to its service', (_name, entry) => {
    const location = choose(example(entry.path));
    expect(serviceOf(location)).toBe(entry.service);
    expect(location).toContain(`set $route ${entry.path};`);
    expect(isForwarded(location)).toBe(true);
  });

  test('a larger body has a limit of its own, in both locations, and is not retried', () => {
    const large = behind.filter(({ maximumBodyBytes }) => maximumBodyBytes !== undefined);
    expect(large.map(({ path }) => path)).toEqual(['/theaters/:id/seat-plan']);
    for (const location of [choose('/theaters/17/seat-plan'), choose('/-/forward-large')]) {
      expect(location).toContain('client_max_body_size 4000000;');
    }
    expect(choose('/-/forward-large')).toContain('proxy_next_upstream off;');
  });

  test.each(table(behind))('%s is retried only with an Idempotency-Key', (_name, entry) => {
    const posts = behind.find(({ path, method }) => path === entry.path && method === 'POST');
    expect(choose(example(entry.path))).toContain(
      `set $takes_key ${posts?.idempotent === true ? '1' : '0'};`,
    );
  });

  test.each(table(behind))('%s is cached only if it is shared', (_name, entry) => {
    const reads = behind.find(({ path, method }) => path === entry.path && method === 'GET');
    expect(choose(example(entry.path))).toContain(
      `set $public_read ${reads?.shared === true ? '1' : '0'};`,
    );
  });

  test.each(table(routes.filter(({ service }) => service === 'gateway')))(
    'the gateway itself answers %s',
    (_name, entry) => {
      expect(isForwarded(choose(entry.path))).toBe(false);
      expect(choose(entry.path)).toContain('root /pages;');
    },
  );

  test('any path without a route is 404', () => {
    const patterns = routes.map(
      ({ path }) => new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+').replaceAll('.', '\\.')}$`),
    );
    const pages = own.answers.map(({ path }) => path);
    const words = [
      'movies',
      'users',
      'me',
      'bookings',
      '1',
      'cancel',
      'metrics',
      'livez',
      'readyz',
      '-',
      'forward',
      '..',
      '',
      'Movies',
      'x y',
      'ping',
    ];
    const paths = fc
      .array(fc.oneof(fc.constantFrom(...words), fc.string()), { minLength: 1, maxLength: 5 })
      .map((parts) => `/${parts.join('/')}`);
    fc.assert(
      fc.property(paths, (path) => {
        const known = patterns.some((pattern) => pattern.test(path));
        const location = choose(path);
        expect(isForwarded(location)).toBe(known && !pages.includes(path));
        const answered = known || pages.includes(path) || location.includes('internal;');
        expect(location.includes('return 404;')).toBe(!answered);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    '/metrics',
    '/livez',
    '/readyz',
    '/connections',
    '/',
    '/movies/',
    '/Movies',
    '/docs/',
  ])('%s is 404', (path) => {
    expect(choose(path)).toContain('return 404;');
  });

  test('a concrete path of one service wins over a templated path of another', () => {
    const [first] = behind;
    const both: RouteTableEntry[] = [
      { ...first!, path: '/:anything/:id', service: 'catalog' },
      { ...first!, path: '/users/me', service: 'users' },
      { ...first!, path: '/users/:id', service: 'bookings' },
    ];
    const chosen = chooser(
      render([...both, ...routes.filter(({ service }) => service === 'gateway')]),
    );
    expect(['/users/me', '/users/1', '/halls/1'].map((path) => serviceOf(chosen(path)))).toEqual([
      'users',
      'bookings',
      'catalog',
    ]);
  });

  test('a gateway route without a recorded response is an error', () => {
    const [first] = routes;
    expect(() => render([...routes, { ...first!, path: '/status' }])).toThrow('/status');
  });

  test('the upstreams are the services without the gateway', () => {
    expect(upstreamsOf(routes)).toEqual(['catalog', 'users', 'bookings']);
  });
});

describe('how often a request is sent', () => {
  const config = render(routes);
  const map =
    /map "\$request_method\$shared\$takes_key\$http_idempotency_key" \$forwarding \{(.*?)\}\n {2}\w/s.exec(
      config,
    )?.[1] ?? '';
  const patterns = [...map.matchAll(/"~(.*?)" (\S+);/g)];
  const kindOf = (method: string, shared: 0 | 1, takesKey: 0 | 1, key: string): string =>
    patterns.find(([, pattern = '']) =>
      new RegExp(pattern).test(`${method}${String(shared)}${String(takesKey)}${key}`),
    )?.[2] ?? 'forward-once';

  test.each([
    ['GET', 0, 0, '', 'forward'],
    ['GET', 0, 1, 'k', 'forward'],
    ['HEAD', 0, 1, 'k', 'forward'],
    ['GET', 1, 0, '', 'forward-shared'],
    ['HEAD', 1, 1, 'k', 'forward-shared'],
    ['OPTIONS', 1, 0, '', 'forward'],
    ['POST', 0, 1, '', 'forward'],
    ['POST', 1, 1, '', 'forward'],
    ['POST', 0, 0, 'k', 'forward'],
    ['POST', 0, 1, 'k', 'forward-keyed'],
    ['POST', 1, 1, 'k', 'forward-keyed'],
    ['PATCH', 1, 1, 'k', 'forward'],
    ['DELETE', 1, 1, 'k', 'forward-once'],
    ['DELETE', 0, 0, '', 'forward-once'],
    ['PUT', 0, 0, '', 'forward-once'],
    ['GETS', 1, 0, '', 'forward-once'],
    ['POSTER', 0, 1, 'k', 'forward-once'],
    ['FOO', 0, 0, '1k', 'forward-once'],
  ] as const)(
    '%s (shared: %s, key accepted: %s, sent: "%s") is forwarded as %s',
    (method, shared, takes, key, kind) => {
      expect(kindOf(method, shared, takes, key)).toBe(kind);
    },
  );

  test('a request whose outcome is unknown is not retried', () => {
    expect(config.match(/non_idempotent/g)).toHaveLength(1);
    expect(choose('/-/forward-keyed')).toContain('error timeout non_idempotent;');
    expect(choose('/-/forward')).toContain('proxy_next_upstream error timeout;');
    expect(choose('/-/forward-once')).toContain('proxy_next_upstream off;');
    for (const kind of ['forward', 'forward-shared', 'forward-keyed', 'forward-once']) {
      expect(choose(`/-/${kind}`)).toContain('internal;');
    }
  });
});

describe('the cache of public reads', () => {
  const config = render(routes);

  test('a shared endpoint is public', () => {
    const shared = routes.filter((route) => route.shared);
    expect(shared.map(({ method, access }) => [method, access])).toEqual(
      shared.map(() => ['GET', 'public']),
    );
  });

  test('other requests are not cached', () => {
    expect(config.match(/proxy_cache public_reads;/g)).toHaveLength(1);
    expect(choose('/-/forward-shared')).toContain('proxy_cache public_reads;');
  });

  test('a public read is forwarded without credentials', () => {
    const headersIn = (text: string): string[] =>
      [...text.matchAll(/proxy_set_header (.*);/g)].map(([, header = '']) => header);
    const [, serverWide = ''] = /\n {2}server \{(.*?)\n {4}location/s.exec(config) ?? [];
    expect(headersIn(serverWide)).not.toHaveLength(0);
    expect(headersIn(choose('/-/forward-shared'))).toEqual([
      ...headersIn(serverWide),
      'Authorization ""',
      'Cookie ""',
    ]);
  });

  test('a public read that fails in the cache is forwarded, and other failures are problems', () => {
    const pagesIn = (text: string): string[] =>
      [...text.matchAll(/error_page (.*);/g)].map(([, page = '']) => page);
    const [, serverWide = ''] = /\n {2}server \{(.*?)\n {4}location/s.exec(config) ?? [];
    // nginx takes the first that names the status.
    expect(pagesIn(choose('/-/forward-shared'))).toEqual([
      '500 = /-/forward',
      ...pagesIn(serverWide),
    ]);
  });
});

describe('refusals', () => {
  const config = render(routes);
  const pages = [...config.matchAll(/^ {4}error_page ([\d ]+) = (\S+);$/gm)];

  test('every status that nginx generates is mapped to a problem', () => {
    const covered = pages.flatMap(([, statuses = '']) => statuses.split(' ').map(Number));
    expect(covered.toSorted((a, b) => a - b)).toEqual([
      400, 403, 404, 405, 408, 412, 413, 414, 429, 494, 500, 501, 502, 503, 504, 505,
    ]);
  });

  test.each(pages.map(([, , target = '']) => [target]))(
    '%s answers a problem of the closed list',
    (target) => {
      const body = choose(target);
      const code = target.split('/').at(-1) as keyof typeof problems;
      const [, status, json = ''] = /return (\d+) '(.*)';/.exec(body) ?? [];
      expect(JSON.parse(json)).toMatchObject({
        ...problems[code],
        code,
        instance: 'urn:request:$answer_id',
      });
      expect(Number(status)).toBe(problems[code].status);
      expect(body).toContain("default_type 'application/problem+json; charset=utf-8';");
      expect(body).toContain('add_header X-Request-Id $answer_id always;');
      expect(body).toContain("add_header x-content-type-options 'nosniff' always;");
      expect(body).toContain("add_header cache-control 'no-store' always;");
      expect(body.includes('add_header Retry-After')).toBe([429, 503].includes(Number(status)));
      expect(body).toContain('internal;');
    },
  );
});

describe('texts in the configuration', () => {
  test('any text is read back by nginx or rejected', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (/[$\r\n\0]/.test(text)) expect(() => quote(text)).toThrow();
        else expect(quote(text).slice(1, -1).replaceAll(/\\(.)/g, '$1')).toBe(text);
      }),
    );
  });

  test('a text may contain the request id', () => {
    expect(quote('urn:request:$answer_id')).toBe("'urn:request:$answer_id'");
    expect(() => quote('$answer_id2')).toThrow();
  });
});
