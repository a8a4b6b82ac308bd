import { kubectl } from './kubectl.ts';
import { makeNamespace, ticketing, type Ticketing } from './ticketing.ts';

/** What most scenarios use: installed by the first that needs it, with two pods of each service. */
export const shopNamespace = 'e2e-shop';
export const shopSpec = {
  version: '1.0.0',
  seed: { mode: 'demo' },
  database: { managed: { storage: { size: '1Gi' } } },
};

export const shop = (): Ticketing => ticketing(shopNamespace, 'tickets', 30_080);

const exists = async (): Promise<boolean> =>
  (await kubectl(['get', 'mt', '-n', shopNamespace, '-o', 'name'])).trim() !== '';

/** The shop, ready; one that was changed by an earlier scenario is taken as it is. */
export const ensureShop = async (): Promise<Ticketing> => {
  const found = shop();
  if (!(await exists())) {
    await makeNamespace(shopNamespace);
    await found.apply(shopSpec);
  }
  await found.ready();
  return found;
};
