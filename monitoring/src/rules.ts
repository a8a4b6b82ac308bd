import { stringify } from 'yaml';

import type { Alert } from './alert.ts';
import { alerts } from './alerts.ts';
import { ratioRules } from './slo.ts';

/** Its section, from the root of the repository: who installs the rules knows the address of theirs. */
const runbook = ({ name }: Alert): string => `docs/alerts.md#${name.toLowerCase()}`;

export const alertRule = (alert: Alert) => ({
  alert: alert.name,
  expr: alert.expr,
  for: alert.for,
  labels: { severity: alert.severity },
  annotations: {
    summary: alert.summary,
    description: alert.description,
    runbook: runbook(alert),
  },
});

/** The groups of a file of rules, as Prometheus reads it. */
export const ruleGroups = () => [
  { name: 'movie-ticketing.objectives', interval: '30s', rules: ratioRules },
  { name: 'movie-ticketing.alerts', rules: alerts.map(alertRule) },
];

const note = '# Made by npm run generate from monitoring/src.\n';
const yaml = (value: object): string =>
  note + stringify(value, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false });

/** For a Prometheus without an operator: `rule_files` names it. */
export const plainRules = (): string => yaml({ groups: ruleGroups() });

/** For the Prometheus operator. */
export const prometheusRule = (): string =>
  yaml({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: {
      name: 'movie-ticketing',
      labels: { 'app.kubernetes.io/part-of': 'movie-ticketing' },
    },
    spec: { groups: ruleGroups() },
  });
