import { labelsOf, type ComponentName } from '../objects/labels.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { quantityToNumber } from '../resource/quantity.ts';
import { nameOf } from './names.ts';

/** Pod Security `restricted`, and a read-only root file system. */
export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** A numeric user: the kubelet cannot verify that a named user is not root. */
export const podSecurity = (uid: number) => ({
  runAsNonRoot: true,
  runAsUser: uid,
  runAsGroup: uid,
  seccompProfile: { type: 'RuntimeDefault' },
});

/** The user "node" of the services' images. */
export const nodeUid = 1000;

export const temporaryVolume = { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } };
export const temporaryMount = { name: 'tmp', mountPath: '/tmp' };

/** Common to all pods: no service account token, no environment variables of other Services. */
export const podDefaults = (resource: MovieTicketing, component: ComponentName) => ({
  serviceAccountName: nameOf(resource, component),
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  ...pullSecrets(resource),
  ...placement(resource),
});

const placement = ({ spec }: MovieTicketing) => {
  const { nodeSelector, tolerations, affinity, priorityClassName } = spec.pods;
  return {
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
  };
};

/** Labels and annotations of a pod. The operator's own cannot be overridden: it finds pods by them. */
export const podMetadata = (
  resource: MovieTicketing,
  component: ComponentName,
  annotations: Record<string, string> = {},
) => ({
  labels: { ...resource.spec.pods.labels, ...labelsOf(resource, component) },
  annotations: { ...resource.spec.pods.annotations, ...annotations },
});

const pullSecrets = (resource: MovieTicketing): object => {
  const { pullSecrets: names } = resource.spec.images;
  return names.length === 0 ? {} : { imagePullSecrets: names.map((name) => ({ name })) };
};

type Amounts = { cpu?: string; memory?: string };
export type Resources = { requests?: Amounts; limits?: Amounts };

/** The spec's amounts over the defaults; a default that contradicts an amount of the spec gives way. */
export const resourcesOf = (defaults: Resources, spec: Resources | undefined): Resources => {
  const requests = { ...defaults.requests, ...spec?.requests };
  const limits = { ...defaults.limits, ...spec?.limits };
  for (const part of ['cpu', 'memory'] as const) {
    const [request, limit] = [requests[part], limits[part]];
    if (request === undefined || limit === undefined) continue;
    if (quantityToNumber(request) <= quantityToNumber(limit)) continue;
    if (spec?.limits?.[part] === undefined) limits[part] = request;
    else requests[part] = limit;
  }
  return { requests, limits };
};
