import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCustomResourceDefinition } from '@movie-ticketing/operator/resource/crd';
import { parseAllDocuments, stringify } from 'yaml';

/**
 * The templates of charts/movie-ticketing, made from k8s/base, so that both install the same. A value of the chart
 * stands as `__NAME__` in an object, and becomes an expression of Helm in its YAML.
 */

type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: object; annotations?: object };
  subjects?: object[];
  spec?: object;
};

const folder = 'charts/movie-ticketing/templates';
const note = '{{- /* Made by npm run generate from k8s. */ -}}\n';

const root = join(import.meta.dirname, '..');

const parse = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Manifest);

const read = (path: string): Manifest[] => parse(readFileSync(join(root, path), 'utf8'));

/** What is generated itself: its file may still be the former one. */
type Generated = { clusterRole: string; prometheusRule: string; dashboard: string };

/** As k8s/base/kustomization.yaml adds them. */
const labels = {
  'app.kubernetes.io/name': 'movie-ticketing-operator',
  'app.kubernetes.io/part-of': 'movie-ticketing',
};

const clusterScoped = new Set(['ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition']);

const released = (manifest: Manifest): Manifest => ({
  ...manifest,
  metadata: {
    ...manifest.metadata,
    ...(clusterScoped.has(manifest.kind) ? {} : { namespace: '__NAMESPACE__' }),
    labels: { ...manifest.metadata.labels, ...labels },
  },
  ...(manifest.subjects === undefined
    ? {}
    : {
        subjects: manifest.subjects.map((subject) => ({
          ...subject,
          namespace: '__NAMESPACE__',
        })),
      }),
});

const yaml = (value: object): string =>
  stringify(value, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false });

const expressions: readonly [RegExp, string][] = [
  [/__NAMESPACE__/g, '{{ .Release.Namespace }}'],
  [/__REPLICAS__/g, '{{ .Values.replicas }}'],
  [/__IMAGE__/g, '{{ include "movie-ticketing.image" . }}'],
  [/__PULL_POLICY__/g, '{{ .Values.image.pullPolicy }}'],
  [/ __RESOURCES__/g, '\n            {{- toYaml .Values.resources | nindent 12 }}'],
  [
    /^( *)enableServiceLinks: false$/gm,
    `$1enableServiceLinks: false
$1{{- with .Values.imagePullSecrets }}
$1imagePullSecrets: {{- toYaml . | nindent 8 }}
$1{{- end }}
$1{{- with .Values.nodeSelector }}
$1nodeSelector: {{- toYaml . | nindent 8 }}
$1{{- end }}
$1{{- with .Values.tolerations }}
$1tolerations: {{- toYaml . | nindent 8 }}
$1{{- end }}
$1{{- with .Values.priorityClassName }}
$1priorityClassName: {{ . }}
$1{{- end }}`,
  ],
  [
    /^( *)- name: __ENVIRONMENT__$/gm,
    `$1{{- with .Values.watchNamespaces }}
$1- name: WATCH_NAMESPACES
$1  value: {{ join "," . | quote }}
$1{{- end }}
$1{{- if ne .Values.logLevel "info" }}
$1- name: LOG_LEVEL
$1  value: {{ .Values.logLevel }}
$1{{- end }}`,
  ],
];

const template = (...manifests: Manifest[]): string =>
  expressions.reduce(
    (text, [token, expression]) => text.replaceAll(token, expression),
    manifests.map((manifest) => yaml(released(manifest))).join('---\n'),
  );

type DeploymentSpec = {
  replicas: unknown;
  template: { spec: { containers: ({ env: object[] } & Record<string, unknown>)[] } };
};

const deployment = (): string => {
  const [found] = read('k8s/base/deployment.yaml') as [Manifest & { spec: DeploymentSpec }];
  const { template: pod } = found.spec;
  const containers = pod.spec.containers.map((container) => ({
    ...container,
    image: '__IMAGE__',
    imagePullPolicy: '__PULL_POLICY__',
    env: [...container.env, { name: '__ENVIRONMENT__' }],
    resources: '__RESOURCES__',
  }));
  const spec = {
    ...found.spec,
    replicas: '__REPLICAS__',
    template: { ...pod, spec: { ...pod.spec, containers } },
  };
  return template({ ...found, spec });
};

/** Everywhere, or in the named namespaces. */
const rights = (clusterRole: string): string => {
  const [role, binding] = parse(clusterRole) as [Manifest, Manifest];
  const inNamespace = {
    ...binding,
    kind: 'RoleBinding',
    metadata: { ...binding.metadata, namespace: '__EACH__' },
  };
  return `${template(role)}---
{{- if .Values.watchNamespaces }}
{{- range .Values.watchNamespaces }}
---
${template(inNamespace)
  .replace('namespace: {{ .Release.Namespace }}', 'namespace: {{ . }}')
  .replaceAll('.Release', '$.Release')}{{- end }}
{{- else }}
---
${template(binding)}{{- end }}
`;
};

const definition = (): string => {
  const text = template(makeCustomResourceDefinition());
  return `{{- if .Values.crds.enabled }}
${text.replace(
  /^metadata:$/m,
  `metadata:
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}`,
)}{{- end }}
`;
};

/** Prometheus has expressions between braces of its own. */
const escaped = (text: string): string =>
  text.replaceAll(/\{\{ (\$labels\.\w+) \}\}/g, '{{ "{{ $1 }}" }}');

const monitoring = (rule: string): string => {
  const manifests = [...read('k8s/components/monitoring/pod-monitor.yaml'), ...parse(rule)];
  const chosen =
    '  labels:\n    {{- with .Values.monitoring.labels }}\n    {{- toYaml . | nindent 4 }}\n    {{- end }}\n';
  const texts = manifests.map((manifest) =>
    escaped(yaml(released(manifest)))
      .replaceAll('__NAMESPACE__', '{{ .Release.Namespace }}')
      .replace('  labels:\n', chosen),
  );
  return `{{- if .Values.monitoring.enabled }}
${texts.join('---\n')}---
apiVersion: v1
kind: ConfigMap
metadata:
  name: movie-ticketing-dashboard
  namespace: {{ .Release.Namespace }}
  labels:
    grafana_dashboard: '1'
${Object.entries(labels)
  .map(([name, value]) => `    ${name}: ${value}\n`)
  .join('')}data:
  dashboard.json: {{ .Files.Get "dashboard.json" | quote }}
{{- end }}
`;
};

const copied = [
  'service-account',
  'role',
  'user-roles',
  'disruption-budget',
  'network-policies',
] as const;

export const chartFiles = (generated: Generated): { path: string; content: string }[] => [
  ...copied.map((name) => ({
    path: `${folder}/${name}.yaml`,
    content: note + template(...read(`k8s/base/${name}.yaml`)),
  })),
  { path: `${folder}/deployment.yaml`, content: note + deployment() },
  { path: `${folder}/cluster-role.yaml`, content: note + rights(generated.clusterRole) },
  { path: `${folder}/crd.yaml`, content: note + definition() },
  { path: `${folder}/monitoring.yaml`, content: note + monitoring(generated.prometheusRule) },
  { path: 'charts/movie-ticketing/dashboard.json', content: generated.dashboard },
];
