import { selectorOf } from '../../objects/labels.ts';
import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import type { Component, NamedObject } from '../../steps/component.ts';
import { nameOf } from '../names.ts';
import { managementPort, servicePort } from '../ports.ts';
import { disruptionBudget, rollingUpdate } from '../rolling-update.ts';
import { servicesBehindGateway } from '../../service-connections.generated.ts';
import { httpRoute, ingress } from './route.ts';
import { podTemplate } from './gateway.pod.ts';

const name = (resource: MovieTicketing): string => nameOf(resource, 'gateway');

export const gatewayService: NamedObject = {
  apiVersion: 'v1',
  kind: 'Service',
  component: 'gateway',
  name,
  annotations: ({ resource }) => resource.spec.gateway.service.annotations,
  body: ({ resource }) => {
    const { type, externalTrafficPolicy } = resource.spec.gateway.service;
    const tls = resource.spec.gateway.tls !== undefined;
    return {
      spec: {
        type,
        ...(type === 'ClusterIP' ? {} : { externalTrafficPolicy }),
        selector: selectorOf(resource, 'gateway'),
        ports: [
          {
            name: 'web',
            appProtocol: tls ? 'https' : 'http',
            port: tls ? 443 : 80,
            protocol: 'TCP',
            targetPort: 'web',
            ...nodePortOf(resource),
          },
        ],
      },
    };
  },
};

/** Only type NodePort has a fixed port. For a load balancer, and for 0, the cluster chooses a free one. */
const nodePortOf = ({ spec }: MovieTicketing): { nodePort?: number } => {
  const { type, nodePort } = spec.gateway.service;
  return type === 'NodePort' && nodePort !== 0 ? { nodePort } : {};
};

export const gatewayDeployment: NamedObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  component: 'gateway',
  name,
  body: (context) => ({
    spec: {
      replicas: context.resource.spec.gateway.replicas,
      ...rollingUpdate,
      // Nodes learn of a ready pod a moment later: with Ready the port is open.
      minReadySeconds: 3,
      selector: { matchLabels: selectorOf(context.resource, 'gateway') },
      template: podTemplate(context),
    },
  }),
};

export const gateway: Component = {
  name: 'gateway',
  owns: [gatewayService, gatewayDeployment, disruptionBudget('gateway'), httpRoute, ingress],
  connectsTo: () => servicesBehindGateway.map((to) => ({ to, port: servicePort })),
  publicPort: servicePort,
  managementPort,
};
