import type { Route } from './endpoint.ts';
import type { Edge } from './pipeline.ts';

/** A path pattern with its routes. */
export type PathEntry = {
  /** `/bookings/:id` */
  pattern: string;
  /** By method, in upper case. */
  routes: ReadonlyMap<string, { route: Route; edge: Edge }>;
  /** For `Allow`. */
  allowed: readonly string[];
};

export type Match = { entry: PathEntry; params: Record<string, string> };

export type FindPath = (path: string) => Match | undefined;

/**
 * Finds the entry of a path without trying every pattern: a concrete path by its text, a templated one
 * among those with the same first segment and number of segments. A concrete path takes precedence:
 * PATCH /users/me is 405 and not PATCH /users/:id. Letter case and a trailing slash are significant.
 */
export const makeRouter = (
  services: readonly { routes: readonly Route[]; edge: Edge }[],
): FindPath => {
  const concrete = new Map<string, Match>();
  const templated = new Map<string, PathEntry[]>();
  const found = services.flatMap(({ routes, edge }) => routes.map((route) => ({ route, edge })));
  for (const [pattern, here] of Map.groupBy(found, ({ route }) => route.endpoint.path)) {
    const entry = toEntry(pattern, here);
    if (!pattern.includes(':')) {
      concrete.set(pattern, { entry, params: {} });
      continue;
    }
    const key = shapeOf(pattern.split('/'));
    templated.set(key, [...(templated.get(key) ?? []), entry].sort(byParameters));
  }
  return (path) => {
    const exact = concrete.get(path);
    if (exact !== undefined) return exact;
    const segments = path.split('/');
    for (const entry of templated.get(shapeOf(segments)) ?? []) {
      const params = matchSegments(entry.pattern, segments);
      if (params !== undefined) return { entry, params };
    }
    return undefined;
  };
};

const toEntry = (pattern: string, here: readonly { route: Route; edge: Edge }[]): PathEntry => {
  const routes = new Map(
    here.map((found) => [found.route.endpoint.method.toUpperCase(), found] as const),
  );
  const allowed = [...routes.keys()];
  const get = routes.get('GET');
  if (get !== undefined) {
    routes.set('HEAD', get);
    allowed.push('HEAD');
  }
  return { pattern, routes, allowed };
};

const shapeOf = (segments: readonly string[]): string =>
  `${String(segments.length)} ${segments[1] ?? ''}`;

const parametersIn = (pattern: string): number => pattern.split('/:').length;

const byParameters = (a: PathEntry, b: PathEntry): number =>
  parametersIn(a.pattern) - parametersIn(b.pattern);

/** @throws URIError for a parameter that cannot be percent-decoded */
const matchSegments = (
  pattern: string,
  segments: readonly string[],
): Record<string, string> | undefined => {
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.split('/').entries()) {
    const segment = segments[index] ?? '';
    if (!expected.startsWith(':')) {
      if (segment !== expected) return undefined;
    } else if (segment === '') return undefined;
    else params[expected.slice(1)] = decodeURIComponent(segment);
  }
  return params;
};
