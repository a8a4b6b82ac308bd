import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { quantityToNumber } from '../resource/quantity.ts';

/** What Pod Security `restricted` asks of a container, and a root file system nobody can write. */
export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** By number: the kubelet cannot tell from a name that a user is not root. */
export const podSecurity = (uid: number) => ({
  runAsNonRoot: true,
  runAsUser: uid,
  runAsGroup: uid,
  seccompProfile: { type: 'RuntimeDefault' },
});

export const temporaryVolume = { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } };
export const temporaryMount = { name: 'tmp', mountPath: '/tmp' };

/** What all our pods share: no token of a service account, no environment of other Services. */
export const podDefaults = (resource: MovieTicketing, serviceAccountName: string) => ({
  serviceAccountName,
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  ...pullSecrets(resource),
});

const pullSecrets = (resource: MovieTicketing): object => {
  const { pullSecrets: names } = resource.spec.images;
  return names.length === 0 ? {} : { imagePullSecrets: names.map((name) => ({ name })) };
};

type Amounts = { cpu?: string; memory?: string };
export type Resources = { requests?: Amounts; limits?: Amounts };

/** The spec's amounts over ours, part by part; where one of ours contradicts one of the spec's it gives way. */
export const resourcesOf = (standard: Resources, given: Resources | undefined): Resources => {
  const requests = { ...standard.requests, ...given?.requests };
  const limits = { ...standard.limits, ...given?.limits };
  for (const part of ['cpu', 'memory'] as const) {
    const [asked, allowed] = [requests[part], limits[part]];
    if (asked === undefined || allowed === undefined) continue;
    if (quantityToNumber(asked) <= quantityToNumber(allowed)) continue;
    if (given?.limits?.[part] === undefined) limits[part] = asked;
    else requests[part] = allowed;
  }
  return { requests, limits };
};
