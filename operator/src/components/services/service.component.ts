import { selectorOf } from '../../objects/labels.ts';
import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import { keyPublisher } from '../../service-connections.generated.ts';
import type { Component, Connection, NamedObject } from '../../steps/component.ts';
import { databaseConnection } from '../database-connection.ts';
import { nameOf, serviceNames, type ServiceName } from '../names.ts';
import { managementPort, servicePort } from '../ports.ts';
import { disruptionBudget, rollingUpdate } from '../rolling-update.ts';
import { adminSecret } from './admin-secret.ts';
import { autoscaler, replicasOf } from './autoscaler.ts';
import { podTemplate, settingsOf } from './service.pod.ts';

const keysConnection = (service: ServiceName): Connection[] =>
  keyPublisher === service ? [] : [{ to: keyPublisher, port: servicePort }];

/** A NetworkPolicy cannot name a host: the collector is any address at its port. */
const tracesConnection = ({ spec }: MovieTicketing): Connection[] => {
  const { traces } = spec.monitoring;
  if (traces === undefined) return [];
  const { port, protocol } = new URL(traces.endpoint);
  return [{ to: 'any', port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) }];
};

/** Settings that are not secret. */
const configMap = (service: ServiceName): NamedObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  component: service,
  name: (resource) => nameOf(resource, service),
  body: ({ resource }) => ({ data: settingsOf(resource, service) }),
});

const clusterService = (service: ServiceName): NamedObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  component: service,
  name: (resource) => nameOf(resource, service),
  body: ({ resource }) => ({
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(resource, service),
      ports: [{ name: 'http', port: servicePort, protocol: 'TCP', targetPort: 'http' }],
    },
  }),
});

export const deploymentOf = (service: ServiceName): NamedObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  component: service,
  name: (resource) => nameOf(resource, service),
  body: (context) => ({
    spec: {
      replicas: replicasOf(context, service),
      ...rollingUpdate,
      selector: { matchLabels: selectorOf(context.resource, service) },
      template: podTemplate(context, service),
    },
  }),
});

const serviceComponent = (service: ServiceName): Component => ({
  name: service,
  owns: [
    ...(service === 'users' ? [adminSecret] : []),
    configMap(service),
    clusterService(service),
    disruptionBudget(service),
    deploymentOf(service),
    autoscaler(service),
  ],
  connectsTo: (resource) => [
    databaseConnection(resource),
    ...keysConnection(service),
    ...tracesConnection(resource),
  ],
  managementPort,
});

/** Catalog, users and bookings. */
export const services: readonly Component[] = serviceNames.map(serviceComponent);
