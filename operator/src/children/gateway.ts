import type { Manifest } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { labelsOf, selectorOf } from './labels.ts';
import { manifest } from './manifest.ts';
import { namesOf, serviceNames } from './names.ts';
import {
  containerSecurity,
  podDefaults,
  podSecurity,
  resourcesOf,
  temporaryMount,
  temporaryVolume,
} from './pod-security.ts';
import { httpProbes, rollingUpdate, spreadOver } from './rollout.ts';
import { managementPort, servicePort } from './service-deployment.ts';

/** The user "nginx" of nginx-unprivileged. */
const nginxUid = 101;

const tlsMount = '/etc/movie-ticketing/tls';

export const gatewayService = (resource: MovieTicketing): Manifest => {
  const { type, nodePort } = resource.spec.gateway.service;
  const tls = resource.spec.gateway.tls !== undefined;
  return manifest(
    resource,
    {
      apiVersion: 'v1',
      kind: 'Service',
      name: namesOf(resource).gateway,
      component: 'gateway',
    },
    {
      spec: {
        type,
        selector: selectorOf(resource, 'gateway'),
        ports: [
          {
            name: 'web',
            appProtocol: tls ? 'https' : 'http',
            port: tls ? 443 : 80,
            protocol: 'TCP',
            targetPort: 'web',
            ...(type === 'ClusterIP' ? {} : { nodePort }),
          },
        ],
      },
    },
  );
};

export const gatewayDeployment = (resource: MovieTicketing, image: string): Manifest => {
  const name = namesOf(resource).gateway;
  return manifest(
    resource,
    { apiVersion: 'apps/v1', kind: 'Deployment', name, component: 'gateway' },
    {
      spec: {
        replicas: resource.spec.gateway.replicas,
        ...rollingUpdate,
        // Nodes learn of a ready pod a moment later: who waits for Ready finds the port open.
        minReadySeconds: 3,
        selector: { matchLabels: selectorOf(resource, 'gateway') },
        template: {
          metadata: { labels: labelsOf(resource, 'gateway') },
          spec: podSpec(resource, image, name),
        },
      },
    },
  );
};

const podSpec = (resource: MovieTicketing, image: string, name: string) => {
  const { tls } = resource.spec.gateway;
  return {
    ...podDefaults(resource, name),
    securityContext: { ...podSecurity(nginxUid), fsGroup: nginxUid },
    // Five seconds of sleep, and nginx's own twenty-five for what is under way.
    terminationGracePeriodSeconds: 45,
    topologySpreadConstraints: spreadOver(resource, 'gateway'),
    containers: [
      {
        name: 'gateway',
        image,
        imagePullPolicy: resource.spec.images.pullPolicy,
        ports: [
          { name: 'web', containerPort: servicePort, protocol: 'TCP' },
          { name: 'management', containerPort: managementPort, protocol: 'TCP' },
        ],
        env: environment(resource),
        ...httpProbes,
        resources: resourcesOf(
          { requests: { cpu: '50m', memory: '32Mi' }, limits: { memory: '256Mi' } },
          undefined,
        ),
        securityContext: containerSecurity,
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [
          temporaryMount,
          ...(tls === undefined ? [] : [{ name: 'tls', mountPath: tlsMount, readOnly: true }]),
        ],
      },
    ],
    volumes: [
      // nginx keeps public reads here, 210 MB at the very most: on disk, since memory has a limit.
      temporaryVolume,
      // A renewed certificate reaches the pod as it runs, so its content is not hashed into it.
      ...(tls === undefined ? [] : [{ name: 'tls', secret: { secretName: tls.secretName } }]),
    ],
  };
};

const environment = (resource: MovieTicketing) => {
  const names = namesOf(resource);
  const { rateLimit, tls } = resource.spec.gateway;
  return [
    ...serviceNames.map((service) => ({
      name: `${service.toUpperCase()}_ADDRESS`,
      value: `${names.service(service)}:${String(servicePort)}`,
    })),
    ...(rateLimit === undefined ? [] : [{ name: 'RATE_LIMIT', value: String(rateLimit) }]),
    ...(tls === undefined ? [] : [{ name: 'TLS_DIR', value: tlsMount }]),
  ];
};
