import type { Manifest } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { databaseEnvironment, type EnvironmentVariable } from './database-connection.ts';
import { shortHash } from './hash.ts';
import { labelsOf, selectorOf } from './labels.ts';
import { manifest } from './manifest.ts';
import { namesOf, type ServiceName } from './names.ts';
import {
  containerSecurity,
  podDefaults,
  podSecurity,
  resourcesOf,
  temporaryMount,
  temporaryVolume,
} from './pod-security.ts';
import { httpProbes, rollingUpdate, spreadOver } from './rollout.ts';
import { adminSecretName } from './secrets.ts';

export const servicePort = 8080;
export const managementPort = 9090;

/** The image's user "node". */
const nodeUid = 1000;

/** Settings that are no secret; a pod takes them from its own ConfigMap alone. */
export const serviceConfigMap = (resource: MovieTicketing, service: ServiceName): Manifest =>
  manifest(
    resource,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: namesOf(resource).service(service),
      component: service,
    },
    { data: settingsOf(resource, service) },
  );

const settingsOf = (resource: MovieTicketing, service: ServiceName): Record<string, string> => {
  const { bookings, services } = resource.spec;
  return {
    LOG_LEVEL: services[service].logLevel,
    CURRENCY: bookings.currency,
    // The gateway alone stands before them.
    TRUST_PROXY: '1',
    // The users service has its keys at hand.
    ...(service === 'users'
      ? {}
      : {
          JWT_JWKS_URL: `http://${namesOf(resource).service('users')}:${String(servicePort)}/.well-known/jwks.json`,
        }),
    ...(service === 'bookings' ? { HOLD_MINUTES: String(bookings.holdMinutes) } : {}),
  };
};

export const serviceService = (resource: MovieTicketing, service: ServiceName): Manifest =>
  manifest(
    resource,
    {
      apiVersion: 'v1',
      kind: 'Service',
      name: namesOf(resource).service(service),
      component: service,
    },
    {
      spec: {
        type: 'ClusterIP',
        selector: selectorOf(resource, service),
        ports: [{ name: 'http', port: servicePort, protocol: 'TCP', targetPort: 'http' }],
      },
    },
  );

export type ServiceDeploymentOptions = {
  image: string;
  /** Of the Secrets this service's pods read: another content makes other pods. */
  secretHashes: { database: string; admin: string };
};

export const serviceDeployment = (
  resource: MovieTicketing,
  service: ServiceName,
  options: ServiceDeploymentOptions,
): Manifest => {
  const name = namesOf(resource).service(service);
  return manifest(
    resource,
    { apiVersion: 'apps/v1', kind: 'Deployment', name, component: service },
    {
      spec: {
        replicas: resource.spec.services[service].replicas,
        ...rollingUpdate,
        selector: { matchLabels: selectorOf(resource, service) },
        template: {
          metadata: {
            labels: labelsOf(resource, service),
            annotations: contentHashes(resource, service, options),
          },
          spec: podSpec(resource, service, options.image),
        },
      },
    },
  );
};

const contentHashes = (
  resource: MovieTicketing,
  service: ServiceName,
  { secretHashes }: ServiceDeploymentOptions,
): Record<string, string> => ({
  'movieticketing.io/config': shortHash(settingsOf(resource, service)),
  'movieticketing.io/database-secret': secretHashes.database,
  ...(service === 'users' ? { 'movieticketing.io/admin-secret': secretHashes.admin } : {}),
});

const podSpec = (resource: MovieTicketing, service: ServiceName, image: string) => {
  const name = namesOf(resource).service(service);
  return {
    ...podDefaults(resource, name),
    securityContext: podSecurity(nodeUid),
    // Five seconds until nobody sends requests here any more, ten to answer those that came.
    terminationGracePeriodSeconds: 30,
    topologySpreadConstraints: spreadOver(resource, service),
    containers: [
      {
        name: service,
        image,
        imagePullPolicy: resource.spec.images.pullPolicy,
        ports: [
          { name: 'http', containerPort: servicePort, protocol: 'TCP' },
          { name: 'management', containerPort: managementPort, protocol: 'TCP' },
        ],
        env: [
          ...configEnvironment(resource, service),
          ...databaseEnvironment(resource),
          ...adminEnvironment(resource, service),
        ],
        ...httpProbes,
        resources: resourcesOf(
          { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
          resource.spec.services[service].resources,
        ),
        securityContext: containerSecurity,
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [temporaryMount],
      },
    ],
    volumes: [temporaryVolume],
  };
};

/** Key by key and not the whole ConfigMap: a key that somebody adds changes nothing that runs. */
const configEnvironment = (
  resource: MovieTicketing,
  service: ServiceName,
): EnvironmentVariable[] => {
  const name = namesOf(resource).service(service);
  return Object.keys(settingsOf(resource, service)).map((key) => ({
    name: key,
    valueFrom: { configMapKeyRef: { name, key } },
  }));
};

/** Optional: without its administrator the service serves on. */
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
