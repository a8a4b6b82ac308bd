import type { Manifest } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { databaseTarget, postgresPort } from './database-connection.ts';
import { resourceLabel, selectorOf, type Component } from './labels.ts';
import { manifest } from './manifest.ts';
import { isManaged, serviceNames } from './names.ts';
import { keyPublisher, servicesBehindGateway } from '../service-connections.generated.ts';
import { servicePort } from './service-deployment.ts';

type Path = { from: Component; to: Component; port: number };

/** Every connection that one of our pods makes to another. All else is refused. */
export const connections = (resource: MovieTicketing): Path[] => [
  ...servicesBehindGateway.map((to) => ({ from: 'gateway' as const, to, port: servicePort })),
  ...serviceNames
    .filter((name) => name !== keyPublisher)
    .map((from) => ({ from, to: keyPublisher, port: servicePort })),
  ...(isManaged(resource)
    ? databaseClients.map((from) => ({ from, to: 'postgres' as const, port: postgresPort }))
    : []),
];

const databaseClients = [...serviceNames, 'migrations', 'seed'] as const;

export const networkPolicies = (resource: MovieTicketing): Manifest[] => {
  const components: Component[] = [
    ...(isManaged(resource) ? (['postgres'] as const) : []),
    'migrations',
    'seed',
    ...serviceNames,
    'gateway',
  ];
  return [
    policy(resource, 'isolation', undefined, nothingButNames(resource)),
    ...components.map((component) =>
      policy(resource, component, component, {
        podSelector: { matchLabels: selectorOf(resource, component) },
        policyTypes: ['Ingress', 'Egress'],
        ingress: ingressOf(resource, component),
        egress: egressOf(resource, component),
      }),
    ),
  ];
};

const policy = (
  resource: MovieTicketing,
  suffix: string,
  component: Component | undefined,
  spec: object,
): Manifest =>
  manifest(
    resource,
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      name: `${resource.metadata.name}-${suffix}`,
      ...(component === undefined ? {} : { component }),
    },
    { spec },
  );

/** Names are looked up anywhere: where a cluster keeps its DNS is its own affair. */
const nothingButNames = (resource: MovieTicketing) => ({
  podSelector: { matchLabels: { [resourceLabel]: resource.metadata.name } },
  policyTypes: ['Ingress', 'Egress'],
  egress: [
    {
      ports: [
        { protocol: 'UDP', port: 53 },
        { protocol: 'TCP', port: 53 },
      ],
    },
  ],
});

const peer = (resource: MovieTicketing, component: Component) => ({
  podSelector: { matchLabels: selectorOf(resource, component) },
});

const ports = (port: number) => [{ protocol: 'TCP', port }];

const ingressOf = (resource: MovieTicketing, component: Component): object[] => {
  if (component === 'gateway') return [{ ports: ports(servicePort) }];
  const paths = connections(resource).filter(({ to }) => to === component);
  const port = paths[0]?.port;
  if (port === undefined) return [];
  return [{ from: paths.map(({ from }) => peer(resource, from)), ports: ports(port) }];
};

const egressOf = (resource: MovieTicketing, component: Component): object[] => [
  ...connections(resource)
    .filter(({ from }) => from === component)
    .map(({ to, port }) => ({ to: [peer(resource, to)], ports: ports(port) })),
  // A host's name is no peer of a NetworkPolicy: any address, at the database's port.
  ...(!isManaged(resource) && databaseClients.some((client) => client === component)
    ? [{ ports: ports(databaseTarget(resource).port) }]
    : []),
];
