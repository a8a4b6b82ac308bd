import { shortHash } from '../../objects/hash.ts';
import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import type { Context, Finding } from '../../steps/step.ts';
import { timestamp } from '../../steps/text.ts';
import { budgetOf } from '../connection-budget.ts';
import {
  databaseEnvironment,
  rootCertificateMounts,
  rootCertificateVolumes,
  type EnvironmentVariable,
} from '../database-connection.ts';
import { hasProgramLogins, nameOf, type ServiceName } from '../names.ts';
import {
  containerSecurity,
  nodeUid,
  podDefaults,
  podMetadata,
  podSecurity,
  resourcesOf,
  temporaryMount,
  temporaryVolume,
} from '../pods.ts';
import { managementPort, servicePort } from '../ports.ts';
import { httpProbes, spreadOver } from '../rolling-update.ts';
import { loginAnnotation, serviceLogin } from '../migrations/service-logins.ts';
import {
  contentHash,
  databaseAuthorities,
  externalLogin,
  findContent,
} from '../secret-contents.ts';
import { adminSecretName } from './admin-secret.ts';
import { imageFor, mayRunTarget } from './services.version.ts';

export const settingsOf = (
  resource: MovieTicketing,
  service: ServiceName,
): Record<string, string> => {
  const { bookings, gateway, services, monitoring } = resource.spec;
  return {
    LOG_LEVEL: services[service].logLevel,
    CURRENCY: bookings.currency,
    // The gateway sends one client address, whatever proxies are in front of it.
    TRUST_PROXY: '1',
    ...(gateway.corsOrigins.length === 0 ? {} : { CORS_ORIGINS: gateway.corsOrigins.join(',') }),
    ...(monitoring.traces === undefined
      ? {}
      : { OTEL_EXPORTER_OTLP_ENDPOINT: monitoring.traces.endpoint }),
    DB_POOL_SIZE: String(budgetOf(resource).pool),
    // The users service has its own keys at hand.
    ...(service === 'users'
      ? keyRotation(resource)
      : {
          JWT_JWKS_URL: `http://${nameOf(resource, 'users')}:${String(servicePort)}/.well-known/jwks.json`,
        }),
    ...(service === 'bookings'
      ? {
          HOLD_MINUTES: String(bookings.holdMinutes),
          MAX_TICKETS_PER_BOOKING: String(bookings.maxTicketsPerBooking),
        }
      : {}),
  };
};

/** On the resource: keys that were made before this time are replaced. */
export const rotateKeysAnnotation = 'movieticketing.io/rotate-signing-keys';

const timeOrZero = (text: string): number => {
  const time = Date.parse(text);
  return Number.isNaN(time) ? 0 : time;
};

const keyRotation = ({ metadata, spec, status }: MovieTicketing): Record<string, string> => {
  const days = spec.rotation.signingKeys?.everyDays;
  // Whoever has the backup has the keys that were in it.
  const { completedAt = '' } = status?.restored ?? {};
  const annotation = metadata.annotations?.[rotateKeysAnnotation] ?? '';
  const requested = new Date(Math.max(...[annotation, completedAt].map(timeOrZero)));
  return {
    ...(days === undefined ? {} : { JWT_KEY_ROTATION_DAYS: String(days) }),
    // A value that is no time would keep the service from starting.
    ...(requested.getTime() === 0 ? {} : { JWT_REPLACE_KEYS_BEFORE: timestamp(requested) }),
  };
};

export const podTemplate = (context: Context, service: ServiceName) => ({
  metadata: podMetadata(context.resource, service, contentHashes(context, service)),
  spec: podSpec(context, service),
});

/** Changed settings or Secrets replace the pods that read them. */
const contentHashes = (context: Context, service: ServiceName): Record<string, string> => ({
  'movieticketing.io/config': shortHash(settingsOf(context.resource, service)),
  ...hashAnnotation(loginAnnotation, loginOf(context, service)),
  ...hashAnnotation('movieticketing.io/database-authorities', databaseAuthorities(context)),
  ...(service === 'users'
    ? hashAnnotation('movieticketing.io/admin-secret', administrator(context))
    : {}),
});

/** What a service's pods connect to the database with. */
export const loginOf = (context: Context, service: ServiceName): { hash: string } | Finding =>
  hasProgramLogins(context.resource)
    ? serviceLogin(context, service)
    : externalLogin(context, service);

const hashAnnotation = (
  name: string,
  content: { hash: string } | Finding | undefined,
): Record<string, string> =>
  content !== undefined && 'hash' in content ? { [name]: content.hash } : {};

/** The Secret with the first administrator: the hash of its contents, or what it lacks. */
export const administrator = (context: Context): { hash: string } | Finding => {
  const name = adminSecretName(context.resource);
  return contentHash(findContent(context, 'Secret', name), { name, keys: ['email', 'password'] });
};

const podSpec = (context: Context, service: ServiceName) => {
  const { resource } = context;
  return {
    ...podDefaults(resource, service),
    securityContext: podSecurity(nodeUid),
    // Five seconds until no client sends requests here any more, ten to answer those that came.
    terminationGracePeriodSeconds: 30,
    topologySpreadConstraints: spreadOver(resource, service),
    containers: [
      {
        name: service,
        image: imageFor(context, service, mayRunTarget(context)),
        imagePullPolicy: resource.spec.images.pullPolicy,
        ports: [
          { name: 'http', containerPort: servicePort, protocol: 'TCP' },
          { name: 'management', containerPort: managementPort, protocol: 'TCP' },
        ],
        env: [
          ...configEnvironment(resource, service),
          ...databaseEnvironment(resource, service),
          ...adminEnvironment(resource, service),
          ...resource.spec.services[service].env,
        ],
        ...httpProbes,
        resources: resourcesOf(
          { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
          resource.spec.services[service].resources,
        ),
        securityContext: containerSecurity,
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [temporaryMount, ...rootCertificateMounts(resource)],
      },
    ],
    volumes: [temporaryVolume, ...rootCertificateVolumes(resource)],
  };
};

/** Key by key rather than the whole ConfigMap: a key that others add reaches no pod. */
const configEnvironment = (
  resource: MovieTicketing,
  service: ServiceName,
): EnvironmentVariable[] => {
  const name = nameOf(resource, service);
  return Object.keys(settingsOf(resource, service)).map((key) => ({
    name: key,
    valueFrom: { configMapKeyRef: { name, key } },
  }));
};

/** Optional: the service also starts without an administrator. */
const adminEnvironment = (
  resource: MovieTicketing,
  service: ServiceName,
): EnvironmentVariable[] => {
  if (service !== 'users') return [];
  const name = adminSecretName(resource);
  return [
    {
      name: 'ADMIN_EMAIL',
      valueFrom: { secretKeyRef: { name, key: 'email', optional: true } },
    },
    {
      name: 'ADMIN_PASSWORD',
      valueFrom: { secretKeyRef: { name, key: 'password', optional: true } },
    },
  ];
};
