import { allEndpoints } from '@movie-ticketing/gateway/all-endpoints';
import { makeApiDocument } from '@movie-ticketing/gateway/api-document';
import { makeRouteTable } from '@movie-ticketing/gateway/route-table';
import { dashboardJson } from '@movie-ticketing/monitoring/dashboard';
import { plainRules, prometheusRule } from '@movie-ticketing/monitoring/rules';
import { operatorRules } from '@movie-ticketing/operator/reconcile/rights';
import { makeCustomResourceDefinition } from '@movie-ticketing/operator/resource/crd';
import { chartFiles } from './helm-chart.ts';
import { Document, isScalar, stringify, visit } from 'yaml';

const crdYaml = (): string =>
  '# Made by npm run generate from operator/src/resource/movie-ticketing.schema.ts.\n' +
  stringify(makeCustomResourceDefinition(), {
    lineWidth: 100,
    singleQuote: true,
    aliasDuplicateObjects: false,
  });

/** What the operator needs to know about the services, so that its image holds none of their code. */
const serviceConnections = (): string => {
  const routes = makeRouteTable(allEndpoints());
  const behindGateway = [...new Set(routes.map(({ service }) => service))]
    .filter((service) => service !== 'gateway')
    .map((service) => `'${service}'`);
  const keyPublisher = routes.find(({ path }) => path === '/.well-known/jwks.json')?.service;
  if (keyPublisher === undefined) throw new Error('no service publishes the signing keys');
  return `// Generated from the route table by \`npm run generate\`. Do not edit.

/** The services that the gateway forwards requests to. */
export const servicesBehindGateway = [${behindGateway.join(', ')}] as const;

/** The service that publishes the keys by which the other services verify tokens. */
export const keyPublisher = '${keyPublisher}' as const;
`;
};

/** YAML with lists of words on one line. */
const compactYaml = (object: object): string => {
  const document = new Document(object, { aliasDuplicateObjects: false });
  visit(document, {
    Seq: (_, list) => {
      if (list.items.every(isScalar)) list.flow = true;
    },
  });
  return document.toString({ singleQuote: true, flowCollectionPadding: false });
};

const rbac = 'rbac.authorization.k8s.io';
const operatorName = 'movie-ticketing-operator';

/** The operator's rights in the namespaces of its resources, and the grant of them in every namespace. */
const clusterRoleYaml = (): string => {
  const role = {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name: operatorName },
    rules: operatorRules(),
  };
  const binding = {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: operatorName },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: operatorName },
    subjects: [{ kind: 'ServiceAccount', name: operatorName, namespace: 'movie-ticketing-system' }],
  };
  return (
    '# Made by npm run generate from the owned objects that operator/src/components declares.\n' +
    [role, binding].map(compactYaml).join('---\n')
  );
};

/** What is made from the sources and committed all the same: path from the root, and content. */
export const generatedFiles = (): { path: string; content: string }[] => [
  {
    path: 'docs/openapi.json',
    content: `${JSON.stringify(makeApiDocument(allEndpoints()), null, 2)}\n`,
  },
  {
    path: 'operator/src/service-connections.generated.ts',
    content: serviceConnections(),
  },
  { path: 'crds/movieticketings.movieticketing.io.yaml', content: crdYaml() },
  { path: 'k8s/base/cluster-role.yaml', content: clusterRoleYaml() },
  { path: 'k8s/components/monitoring/prometheus-rule.yaml', content: prometheusRule() },
  { path: 'k8s/components/monitoring/rules.yaml', content: plainRules() },
  { path: 'k8s/components/monitoring/dashboard.json', content: dashboardJson() },
  ...chartFiles({
    clusterRole: clusterRoleYaml(),
    prometheusRule: prometheusRule(),
    dashboard: dashboardJson(),
  }),
];
