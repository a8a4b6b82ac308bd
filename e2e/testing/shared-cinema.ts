import { kubectl } from './kubectl.ts';
import { makeNamespace, makeTicketing, type Ticketing } from './ticketing.ts';

/** The custom resource that most scenarios use, with two pods of each service. The first scenario creates it. */
export const cinemaNamespace = 'e2e-cinema';
export const cinemaSpec = {
  version: '1.0.0',
  seed: { mode: 'demo' },
  database: { managed: { storage: { size: '1Gi' } } },
};

export const cinema = (): Ticketing => makeTicketing(cinemaNamespace, 'tickets', 30_080);

const exists = async (): Promise<boolean> =>
  (await kubectl(['get', 'mt', '-n', cinemaNamespace, '-o', 'name'])).trim() !== '';

/** The shared custom resource, Ready, as an earlier scenario left it. */
export const ensureCinema = async (): Promise<Ticketing> => {
  const found = cinema();
  if (!(await exists())) {
    await makeNamespace(cinemaNamespace);
    await found.apply(cinemaSpec);
  }
  await found.ready();
  return found;
};
