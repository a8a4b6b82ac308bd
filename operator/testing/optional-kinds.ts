import type { KubeObject } from '../src/runtime/kube-object.ts';

/** The definition of a kind that other software brings, with the parts of its schema that are given. */
export const definitionOf = (
  { group, kind, plural }: { group: string; kind: string; plural: string },
  schema: object = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
): KubeObject & Record<string, unknown> => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${plural}.${group}`,
    // Kubernetes asks for it where a group is below k8s.io.
    annotations: { 'api-approved.kubernetes.io': 'unapproved, for tests' },
  },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
      },
    ],
  },
});

const text = { type: 'string' };
const number = { type: 'integer' };
const flag = { type: 'boolean' };
const texts = { type: 'object', additionalProperties: text };
const any = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const object = (properties: object, required: string[] = []) => ({
  type: 'object',
  properties,
  ...(required.length === 0 ? {} : { required }),
});
const list = (items: object) => ({ type: 'array', items });
const plugin = object(
  { name: text, isWALArchiver: flag, enabled: { ...flag, default: true }, parameters: texts },
  ['name'],
);

/**
 * Structural stand-ins for the definitions of CloudNativePG 1.30, with the fields that the operator sets, their
 * types and some of the defaults. A field that is not here is refused or dropped, as by the real ones.
 */
export const cloudNativePgKinds = [
  definitionOf(
    { group: 'postgresql.cnpg.io', kind: 'Cluster', plural: 'clusters' },
    object({
      apiVersion: text,
      kind: text,
      metadata: { type: 'object' },
      status: any,
      spec: object(
        {
          instances: { ...number, default: 1, minimum: 1 },
          imageName: text,
          imagePullPolicy: text,
          imagePullSecrets: list(object({ name: text }, ['name'])),
          storage: object({
            size: text,
            storageClass: text,
            resizeInUseVolumes: { ...flag, default: true },
          }),
          resources: any,
          inheritedMetadata: object({ labels: texts, annotations: texts }),
          affinity: object({
            enablePodAntiAffinity: flag,
            nodeSelector: texts,
            tolerations: list(any),
            nodeAffinity: any,
            additionalPodAffinity: any,
            additionalPodAntiAffinity: any,
          }),
          priorityClassName: text,
          enablePDB: { ...flag, default: true },
          bootstrap: object({
            initdb: object({
              database: text,
              owner: text,
              encoding: text,
              localeProvider: text,
              builtinLocale: text,
              localeCollate: text,
              localeCType: text,
              dataChecksums: flag,
            }),
            recovery: object({
              source: text,
              database: text,
              owner: text,
              recoveryTarget: object({ targetTime: text }),
            }),
          }),
          externalClusters: list(object({ name: text, plugin }, ['name'])),
          postgresql: object({
            parameters: texts,
            synchronous: object(
              {
                method: { ...text, enum: ['any', 'first'] },
                number,
                dataDurability: { ...text, enum: ['required', 'preferred'] },
                failoverQuorum: flag,
              },
              ['method', 'number'],
            ),
          }),
          managed: object({
            roles: list(
              object(
                {
                  name: text,
                  ensure: { ...text, default: 'present', enum: ['present', 'absent'] },
                  login: flag,
                  createrole: flag,
                  inRoles: list(text),
                  connectionLimit: { ...number, default: -1 },
                  inherit: { ...flag, default: true },
                },
                ['name'],
              ),
            ),
          }),
          plugins: list(plugin),
        },
        ['instances'],
      ),
    }),
  ),
  definitionOf(
    { group: 'postgresql.cnpg.io', kind: 'ScheduledBackup', plural: 'scheduledbackups' },
    object({
      apiVersion: text,
      kind: text,
      metadata: { type: 'object' },
      status: any,
      spec: object(
        {
          schedule: text,
          cluster: object({ name: text }, ['name']),
          method: { ...text, enum: ['barmanObjectStore', 'volumeSnapshot', 'plugin'] },
          pluginConfiguration: object({ name: text, parameters: texts }, ['name']),
          backupOwnerReference: { ...text, default: 'none', enum: ['none', 'self', 'cluster'] },
          immediate: flag,
        },
        ['cluster', 'schedule'],
      ),
    }),
  ),
];

/** Of cert-manager. */
export const certificateKind = definitionOf({
  group: 'cert-manager.io',
  kind: 'Certificate',
  plural: 'certificates',
});
