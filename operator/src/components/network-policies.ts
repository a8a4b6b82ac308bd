import { resourceLabel, selectorOf, type ComponentName } from '../objects/labels.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { Component, Connection, NamedObject } from '../steps/component.ts';
import { nameOf } from './names.ts';

const networkPolicyKind = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };

/** Denies all traffic of the resource's pods except DNS, which may run anywhere in a cluster. */
export const isolation: NamedObject = {
  ...networkPolicyKind,
  name: ({ metadata }) => `${metadata.name}-isolation`,
  body: ({ resource }) => ({
    spec: {
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
    },
  }),
};

type Declared = () => readonly Component[];

/** Allows the connections that the components declare: those of this one, and those to it. */
export const networkPolicy = (component: Component, all: Declared): NamedObject => ({
  ...networkPolicyKind,
  component: component.name,
  name: (resource) => nameOf(resource, component.name),
  body: ({ resource }) => ({
    spec: {
      podSelector: { matchLabels: selectorOf(resource, component.name) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: ingressOf(resource, component, presentIn(resource, all())),
      egress: component.connectsTo(resource).map(({ to, port }) => ({
        ...(to === 'any' ? {} : { to: [targetOf(resource, to)] }),
        ports: tcp(port),
      })),
    },
  }),
});

/** A part that the spec does not ask for has no pods to admit. */
const presentIn = (resource: MovieTicketing, all: readonly Component[]): Component[] =>
  all.filter(({ when }) => when?.(resource) !== false);

const podsOf = (resource: MovieTicketing, component: ComponentName) => ({
  podSelector: { matchLabels: selectorOf(resource, component) },
});

const targetOf = (resource: MovieTicketing, to: Exclude<Connection['to'], 'any'>) =>
  typeof to === 'string' ? podsOf(resource, to) : { podSelector: { matchLabels: to.pods } };

const tcp = (port: number) => [{ protocol: 'TCP', port }];

const ingressOf = (
  resource: MovieTicketing,
  component: Component,
  all: readonly Component[],
): object[] => [
  ...(component.publicPort === undefined ? [] : [{ ports: tcp(component.publicPort) }]),
  ...clientRules(resource, component, all),
  ...monitoringRules(resource, component),
];

const monitoringRules = ({ spec }: MovieTicketing, { managementPort }: Component): object[] => {
  const { allowFrom } = spec.monitoring;
  if (managementPort === undefined || allowFrom.length === 0) return [];
  return [
    {
      from: allowFrom.map((namespaceSelector) => ({ namespaceSelector })),
      ports: tcp(managementPort),
    },
  ];
};

const clientRules = (
  resource: MovieTicketing,
  { name }: Component,
  all: readonly Component[],
): object[] => {
  const clients = all.flatMap((client) =>
    client
      .connectsTo(resource)
      .filter(({ to }) => to === name)
      .map(({ port }) => ({ from: client.name, port })),
  );
  return [...new Set(clients.map(({ port }) => port))].map((port) => ({
    from: clients
      .filter((client) => client.port === port)
      .map(({ from }) => podsOf(resource, from)),
    ports: tcp(port),
  }));
};
