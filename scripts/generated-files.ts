import { allEndpoints } from '@movie-ticketing/gateway/all-endpoints';
import { makeApiDocument } from '@movie-ticketing/gateway/api-document';
import { makeCustomResourceDefinition } from '@movie-ticketing/operator/resource/crd';
import { stringify } from 'yaml';

const crdYaml = (): string =>
  '# Made by npm run generate from operator/src/resource/movie-ticketing.schema.ts.\n' +
  stringify(makeCustomResourceDefinition(), {
    lineWidth: 100,
    singleQuote: true,
    aliasDuplicateObjects: false,
  });

/** What is made from the sources and committed all the same: path from the root, and content. */
export const generatedFiles = (): { path: string; content: string }[] => [
  {
    path: 'docs/openapi.json',
    content: `${JSON.stringify(makeApiDocument(allEndpoints()), null, 2)}\n`,
  },
  { path: 'crds/movieticketings.movieticketing.io.yaml', content: crdYaml() },
];
