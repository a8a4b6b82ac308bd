import { componentLabel, resourceLabel } from '../../objects/labels.ts';
import type { NamedObject } from '../../steps/component.ts';
import { serviceNames } from '../names.ts';

/** Tells a Prometheus of the Prometheus operator to read the metrics of every pod of the services. */
export const podMonitor: NamedObject = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PodMonitor',
  optional: {
    install: 'Install the Prometheus operator, or set spec.monitoring.podMonitor.enabled to false',
  },
  when: ({ spec }) => spec.monitoring.podMonitor.enabled,
  name: ({ metadata }) => `${metadata.name}-services`,
  additionalLabels: ({ spec }) => spec.monitoring.podMonitor.labels,
  body: ({ resource }) => ({
    spec: {
      selector: {
        matchLabels: { [resourceLabel]: resource.metadata.name },
        matchExpressions: [{ key: componentLabel, operator: 'In', values: [...serviceNames] }],
      },
      podMetricsEndpoints: [
        {
          port: 'management',
          path: '/metrics',
          // The alerts and the dashboard (monitoring/src) tell resources apart by it.
          relabelings: [
            {
              action: 'replace',
              sourceLabels: ['__meta_kubernetes_pod_label_movieticketing_io_resource'],
              targetLabel: 'resource',
            },
          ],
        },
      ],
    },
  }),
};
