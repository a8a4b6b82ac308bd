import type { Alert } from './alert.ts';
import { operatorAlerts } from './operator-alerts.ts';
import { resourceAlerts } from './resource-alerts.ts';
import { serviceAlerts } from './service-alerts.ts';
import { sloAlerts } from './slo.ts';

/** Every alert. docs/alerts.md has a section for each. */
export const alerts: readonly Alert[] = [
  ...sloAlerts,
  ...resourceAlerts,
  ...serviceAlerts,
  ...operatorAlerts,
];
