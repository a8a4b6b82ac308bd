import { afterAll, expect, test } from '@jest/globals';

import { kubectl } from '../testing/kubectl.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import { buyTicket } from '../testing/customer.ts';

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

test('reports a missing right to write Deployments, and recovers when it is back', async () => {
  const cinema = await ensureCinema();
  const { name, rules } = await boundRole();
  restore = () => setRules(name, rules);
  const reading = rules.map((rule) =>
    rule.resources?.includes('deployments')
      ? { ...rule, verbs: rule.verbs.filter((verb) => /^(get|list|watch)$/.test(verb)) }
      : rule,
  );
  await setRules(name, reading);
  await cinema.change({ services: { catalog: { logLevel: 'debug' } } });
  const { reason, message } = await cinema.condition('Degraded', 'True', /forbidden/i, 90);
  console.log(`${reason}: ${message}`);
  await buyTicket(cinema.url);

  await setRules(name, rules);
  await cinema.change({ services: { catalog: { logLevel: 'info' } } });
  await cinema.ready();
  expect(await cinema.condition('Degraded', 'False')).toBeDefined();
});

test('reports a missing right to read Deployments, and recovers when it is back', async () => {
  const cinema = await ensureCinema();
  const { name, rules } = await boundRole();
  restore = () => setRules(name, rules);
  await setRules(
    name,
    rules
      .map((rule) => ({
        ...rule,
        resources: (rule.resources ?? []).filter((resource) => resource !== 'deployments'),
      }))
      .filter(({ resources }) => resources.length > 0),
  );
  await cinema.change({ services: { catalog: { logLevel: 'debug' } } });
  const { reason, message } = await cinema.condition('Degraded', 'True', /forbidden/i, 90);
  console.log(`${reason}: ${message}`);
  await buyTicket(cinema.url);

  await setRules(name, rules);
  await cinema.change({ services: { catalog: { logLevel: 'info' } } });
  await cinema.ready();
});
