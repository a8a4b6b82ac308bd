import { allEndpoints } from '@movie-ticketing/gateway/all-endpoints';
import { makeApiDocument } from '@movie-ticketing/gateway/api-document';
import { makeRouteTable } from '@movie-ticketing/gateway/route-table';
import { makeCustomResourceDefinition } from '@movie-ticketing/operator/resource/crd';
import { stringify } from 'yaml';

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
];
