import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import { isDone, type Context } from '../../steps/step.ts';
import type { EnvironmentVariable } from '../database-connection.ts';
import { nameOf } from '../names.ts';
import {
  containerSecurity,
  podDefaults,
  podMetadata,
  podSecurity,
  resourcesOf,
  temporaryMount,
  temporaryVolume,
} from '../pods.ts';
import { managementPort, servicePort } from '../ports.ts';
import { httpProbes, spreadOver } from '../rolling-update.ts';
import { servicesBehindGateway } from '../../service-connections.generated.ts';
import { imageFor } from '../services/services.version.ts';

/** The user "nginx" of nginx-unprivileged. */
const nginxUid = 101;

const tlsMount = '/etc/movie-ticketing/tls';

export const podTemplate = (context: Context) => ({
  metadata: podMetadata(context.resource, 'gateway'),
  spec: podSpec(context),
});

const podSpec = (context: Context) => {
  const { resource } = context;
  const { tls } = resource.spec.gateway;
  return {
    ...podDefaults(resource, 'gateway'),
    securityContext: { ...podSecurity(nginxUid), fsGroup: nginxUid },
    // Eight seconds of preStop, and nginx's own twenty-five for requests in progress.
    terminationGracePeriodSeconds: 45,
    topologySpreadConstraints: spreadOver(resource, 'gateway'),
    containers: [
      {
        name: 'gateway',
        // A new version of the gateway follows the services'.
        image: imageFor(context, 'gateway', isDone(context, 'services')),
        imagePullPolicy: resource.spec.images.pullPolicy,
        ports: [
          { name: 'web', containerPort: servicePort, protocol: 'TCP' },
          { name: 'management', containerPort: managementPort, protocol: 'TCP' },
        ],
        env: environment(resource),
        ...httpProbes,
        resources: resourcesOf(
          { requests: { cpu: '50m', memory: '32Mi' }, limits: { memory: '256Mi' } },
          resource.spec.gateway.resources,
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
      // nginx caches public reads here, at most 210 MB: on disk, since memory is limited.
      temporaryVolume,
      // A renewed certificate reaches running pods, so its contents are not hashed into the template.
      ...(tls === undefined ? [] : [{ name: 'tls', secret: { secretName: tls.secretName } }]),
    ],
  };
};

const environment = (resource: MovieTicketing): EnvironmentVariable[] => {
  const { rateLimit, tls, trustedProxyHops } = resource.spec.gateway;
  return [
    ...servicesBehindGateway.map((service) => ({
      name: `${service.toUpperCase()}_ADDRESS`,
      value: `${nameOf(resource, service)}:${String(servicePort)}`,
    })),
    { name: 'TRUST_PROXY', value: String(trustedProxyHops) },
    ...(rateLimit === undefined ? [] : [{ name: 'RATE_LIMIT', value: String(rateLimit) }]),
    ...(tls === undefined ? [] : [{ name: 'TLS_DIR', value: tlsMount }]),
  ];
};
