import helmet from 'helmet';

import type { HeaderList } from './response.ts';

/**
 * Helmet's headers for every response. They are constant, so helmet runs once, at the start: its
 * thirteen middlewares on each request cost a sixth of a cached read (docs/benchmarks.md).
 */
export const securityHeaders = (): HeaderList => {
  const headers = new Map<string, string>();
  const recorder = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: (name: string) => headers.delete(name),
  };
  const run = helmet({
    contentSecurityPolicy: { directives: { defaultSrc: ["'none'"] }, useDefaults: false },
  });
  run({} as never, recorder as never, (error?: unknown) => {
    if (error instanceof Error) throw error;
  });
  return [...headers].flat();
};
