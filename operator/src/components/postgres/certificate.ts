import { isTerminating, statusOf, type LiveCondition } from '../../objects/live.ts';
import { keyOfRef } from '../../objects/manifest.ts';
import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';
import { missingKind, type NamedObject } from '../../steps/component.ts';
import type { CertificateData } from '../../steps/observed.ts';
import type { Context, Finding } from '../../steps/step.ts';
import { shortened } from '../../steps/text.ts';
import { certificateSecretName, hasOwnTls, issuedSecretName, nameOf } from '../names.ts';
import { contentHash, encoded, findContent } from '../secret-contents.ts';

/**
 * The certificate of the managed database: signed by the operator, or by an issuer of cert-manager. Whoever
 * made it renews it, and the pod loads it without a restart.
 */

const keys = ['ca.crt', 'ca.key', 'tls.crt', 'tls.key'] as const;

/** When the operator makes the next one. Removing it renews the certificate at once. */
const renewAfterAnnotation = 'movieticketing.io/renew-after';

const isIssued = ({ spec }: MovieTicketing): boolean =>
  spec.database.managed?.tls.issuerRef !== undefined;

export const isSelfSigned = (resource: MovieTicketing): boolean =>
  hasOwnTls(resource) && !isIssued(resource);

/** The contents of the Secret. */
export const certificateIn = (secret: KubeObject | undefined): Partial<CertificateData> => {
  const data = (secret?.['data'] ?? {}) as Record<string, string>;
  const found = keys.map((key) => [key, Buffer.from(data[key] ?? '', 'base64').toString('utf8')]);
  return Object.fromEntries(found.filter(([, value]) => value !== '')) as Partial<CertificateData>;
};

const isWhole = (data: Partial<CertificateData>): data is CertificateData =>
  keys.every((key) => key in data);

/** Whether a certificate is to be made: there is none, or it is two thirds through its life. */
export const isCertificateDue = (secret: KubeObject | undefined, now: Date): boolean => {
  const renewAfter = Date.parse(secret?.metadata.annotations?.[renewAfterAnnotation] ?? '');
  return !isWhole(certificateIn(secret)) || !(now.getTime() < renewAfter);
};

const next = (context: Context): { data: CertificateData; renewAfter: string } | undefined => {
  const { observed, resource } = context;
  const live = findContent(context, 'Secret', certificateSecretName(resource));
  const { certificate } = observed.fresh;
  if (certificate !== undefined && isCertificateDue(live, observed.now)) {
    const { renewAfter, ...data } = certificate;
    return { data, renewAfter };
  }
  const data = certificateIn(live);
  const renewAfter = live?.metadata.annotations?.[renewAfterAnnotation];
  return isWhole(data) && renewAfter !== undefined ? { data, renewAfter } : undefined;
};

export const certificateSecret: NamedObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  component: 'postgres',
  when: isSelfSigned,
  name: certificateSecretName,
  annotations: (context) => {
    const renewAfter = next(context)?.renewAfter;
    return renewAfter === undefined ? {} : { [renewAfterAnnotation]: renewAfter };
  },
  body: (context) => {
    const data = next(context)?.data;
    return { type: 'Opaque', ...(data === undefined ? {} : { data: encoded({ ...data }) }) };
  },
  // POST: a Secret that was created meanwhile is not overwritten.
  initialBody: () => ({}),
};

/** The names under which clients in the cluster find the database. */
export const certificateHosts = (resource: MovieTicketing): string[] => {
  const host = nameOf(resource, 'postgres');
  const { namespace } = resource.metadata;
  return [host, `${host}.${namespace}`, `${host}.${namespace}.svc`];
};

/** Tells cert-manager to make the certificate, and to renew it. */
export const issuedCertificate: NamedObject = {
  apiVersion: 'cert-manager.io/v1',
  kind: 'Certificate',
  component: 'postgres',
  optional: {
    install: 'Install cert-manager, or remove spec.database.managed.tls.issuerRef',
  },
  when: (resource) => hasOwnTls(resource) && isIssued(resource),
  name: (resource) => nameOf(resource, 'postgres'),
  body: ({ resource }) => ({
    spec: {
      secretName: issuedSecretName(resource),
      dnsNames: certificateHosts(resource),
      duration: '2160h0m0s',
      renewBefore: '720h0m0s',
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
      usages: ['digital signature', 'server auth'],
      issuerRef: { group: 'cert-manager.io', ...resource.spec.database.managed?.tls.issuerRef },
    },
  }),
};

/** Why the certificate cannot be used; undefined: it can, or the database has none. */
export const certificateProblem = (context: Context): Finding | undefined => {
  const { observed, resource } = context;
  if (!hasOwnTls(resource)) return undefined;
  if (!isIssued(resource)) {
    const live = findContent(context, 'Secret', certificateSecretName(resource));
    return live === undefined || isTerminating(live) || !isWhole(certificateIn(live))
      ? { reason: 'DatabaseStarting', message: 'Creating the certificate of the database.' }
      : undefined;
  }
  const missing = missingKind(observed, issuedCertificate);
  if (missing !== undefined) return missing;
  const name = issuedSecretName(resource);
  const object = findContent(context, 'Secret', name);
  const found = contentHash(object, { name, keys: ['ca.crt', 'tls.crt', 'tls.key'] });
  if (!('reason' in found)) return undefined;
  const request = issuedCertificate.name(resource);
  const live = observed.owned.get(keyOfRef({ kind: 'Certificate', name: request }));
  const { conditions } = statusOf<{ conditions: LiveCondition[] }>(live);
  const ready = conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True' && object !== undefined) return found;
  return {
    reason: 'CertificatePending',
    message: `cert-manager has not issued the Certificate ${request}: ${shortened(ready?.message ?? 'it says nothing yet')}. Check the issuer in spec.database.managed.tls.issuerRef.`,
  };
};
