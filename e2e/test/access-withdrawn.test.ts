import { afterAll, expect, test } from '@jest/globals';

import { kubectl } from '../testing/kubectl.ts';
import { ensureShop } from '../testing/shared-shop.ts';
import { buyTicket } from '../testing/shop.ts';

type Rule = { apiGroups: string[]; resources?: string[]; verbs: string[] };

const boundRole = async (): Promise<{ name: string; rules: Rule[] }> => {
  const { items } = JSON.parse(await kubectl(['get', 'clusterroles', '-o', 'json'])) as {
    items: { metadata: { name: string }; rules: Rule[] }[];
  };
  const found = items.find(
    ({ metadata, rules }) =>
      metadata.name.startsWith('movie-ticketing') &&
      rules.some(({ resources }) => resources?.includes('deployments')),
  );
  if (found === undefined) throw new Error('the operator has no ClusterRole with deployments');
  return { name: found.metadata.name, rules: found.rules };
};

const setRules = (name: string, rules: Rule[]): Promise<string> =>
  kubectl(['patch', 'clusterrole', name, '--type=merge', '-p', JSON.stringify({ rules })]);

let restore: (() => Promise<unknown>) | undefined;
afterAll(async () => {
  await restore?.();
});

test('when the operator may no longer write Deployments, then a condition says so; when it may again, then it heals', async () => {
  const shop = await ensureShop();
  const { name, rules } = await boundRole();
  restore = () => setRules(name, rules);
  const reading = rules.map((rule) =>
    rule.resources?.includes('deployments')
      ? { ...rule, verbs: rule.verbs.filter((verb) => /^(get|list|watch)$/.test(verb)) }
      : rule,
  );
  await setRules(name, reading);
  await shop.change({ services: { catalog: { logLevel: 'debug' } } });
  const { reason, message } = await shop.condition('Degraded', 'True', /forbidden/i, 90);
  console.log(`${reason}: ${message}`);
  await buyTicket(shop.url);

  await setRules(name, rules);
  await shop.change({ services: { catalog: { logLevel: 'info' } } });
  await shop.ready();
  expect(await shop.condition('Degraded', 'False')).toBeDefined();
});

test('when the operator may no longer read Deployments, then a condition says so; when it may again, then it heals', async () => {
  const shop = await ensureShop();
  const { name, rules } = await boundRole();
  restore = () => setRules(name, rules);
  await setRules(
    name,
    rules.map((rule) => ({
      ...rule,
      resources: (rule.resources ?? []).filter((resource) => resource !== 'deployments'),
    })),
  );
  await shop.change({ services: { catalog: { logLevel: 'debug' } } });
  const { reason, message } = await shop.condition('Degraded', 'True', /forbidden/i, 90);
  console.log(`${reason}: ${message}`);
  await buyTicket(shop.url);

  await setRules(name, rules);
  await shop.change({ services: { catalog: { logLevel: 'info' } } });
  await shop.ready();
});
