import { z } from 'zod';

import { byNames, labelNameForm, objectName, resources, rule, text } from './spec-fields.ts';

const NODE_PORT_RANGE = 'must be 0 (the cluster chooses a free port) or from 30000 to 32767';

const gatewayService = z
  .strictObject({
    type: z
      .enum(['NodePort', 'ClusterIP', 'LoadBalancer'])
      .default('NodePort')
      .meta({ description: 'Type of the Service.' }),
    nodePort: z
      .int()
      .min(0)
      .max(32_767)
      .refine((port) => port === 0 || port >= 30_000, NODE_PORT_RANGE)
      .default(30_080)
      .meta({
        description:
          'Port on every node, for type NodePort. 0 lets the cluster choose a free port; status.url shows it. A port belongs to one Service of the cluster, so only one resource can use the default.',
        'x-kubernetes-validations': [rule('self == 0 || self >= 30000', NODE_PORT_RANGE)],
      }),
    externalTrafficPolicy: z.enum(['Cluster', 'Local']).default('Cluster').meta({
      description:
        'For types NodePort and LoadBalancer. Cluster: every node accepts requests, and the services may see the address of a node in place of the address of the client. Local: the address of the client is kept, and only nodes with a gateway pod accept requests.',
    }),
    annotations: byNames({
      nameForm:
        /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
      nameMessage: 'must be names of annotations, for instance example.com/name',
      value: z.string().max(4_096),
      maxProperties: 30,
    })
      .default({})
      .meta({ description: 'Annotations of the Service, for instance for a load balancer.' }),
  })
  .prefault({})
  .meta({ description: 'The Service of the gateway.' });

const ORIGIN_MESSAGE =
  'must be * or an origin like https://example.com: scheme, host and port, no path, no slash at the end';

const corsOrigin = text(
  /^(\*|https?:\/\/([a-z0-9]([-a-z0-9.]*[a-z0-9])?|\[[0-9a-f:]+\])(:[0-9]{1,5})?)$/,
  300,
  ORIGIN_MESSAGE,
).meta({ description: 'An origin, or * for all.' });

const hostName = text(
  /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  253,
  'must be a host name, for instance tickets.example.com',
);

const httpRoute = z
  .strictObject({
    parentRefs: z
      .array(
        z.strictObject({
          name: objectName('The Gateway.'),
          namespace: objectName(
            'Its namespace. That of the custom resource unless set.',
          ).exactOptional(),
          sectionName: objectName('A listener of the Gateway. All unless set.').exactOptional(),
        }),
      )
      .min(1)
      .max(10)
      .meta({ description: 'Gateways that accept requests for the hostnames.' }),
    hostnames: z
      .array(hostName)
      .min(1)
      .max(10)
      .meta({ description: 'Host names. The first one is in status.url.' }),
    scheme: z
      .enum(['http', 'https'])
      .default('https')
      .meta({ description: 'What the listener of the Gateway speaks, for status.url.' }),
  })
  .meta({
    description:
      'An HTTPRoute of the Gateway API. Set trustedProxyHops to the number of proxies that the Gateway is.',
  });

const ingress = z
  .strictObject({
    className: objectName(
      'The IngressClass. The default class of the cluster unless set.',
    ).exactOptional(),
    host: hostName.meta({ description: 'Host name.' }),
    tlsSecretName: objectName(
      'A Secret of type kubernetes.io/tls for the host; cert-manager can make it.',
    ).exactOptional(),
    annotations: byNames({
      nameForm: labelNameForm,
      nameMessage: 'must be names of annotations, for instance example.com/name',
      value: z.string().max(4_096),
      maxProperties: 30,
    })
      .default({})
      .meta({ description: 'Annotations of the Ingress.' }),
  })
  .meta({ description: 'An Ingress. Set trustedProxyHops to 1.' });

/** `spec.gateway`. */
export const gateway = z
  .strictObject({
    replicas: z.int().min(0).max(50).default(2).meta({ description: 'Number of pods.' }),
    resources: resources.exactOptional(),
    service: gatewayService,
    tls: z
      .strictObject({ secretName: objectName('A Secret of type kubernetes.io/tls.') })
      .exactOptional()
      .meta({
        description:
          'Serve HTTPS with the certificate of this Secret. A renewed certificate is loaded without a restart.',
      }),
    rateLimit: z
      .int()
      .min(1)
      .max(100_000)
      .exactOptional()
      .meta({ description: 'Requests per second from one client address. No limit unless set.' }),
    trustedProxyHops: z.int().min(0).max(9).default(0).meta({
      description:
        'Number of trusted proxies in front of the gateway, for instance 1 behind an Ingress. The client address is taken from X-Forwarded-For that many hops back.',
    }),
    httpRoute: httpRoute.exactOptional(),
    ingress: ingress.exactOptional(),
    corsOrigins: z
      .array(corsOrigin)
      .max(20)
      .refine((origins) => new Set(origins).size === origins.length, 'must not have duplicates')
      .default([])
      .meta({
        description: 'Origins whose web pages may call the API (CORS). None by default.',
        'x-kubernetes-list-type': 'set',
      }),
  })
  .prefault({})
  .meta({ description: 'The gateway, which all clients connect to.' });
