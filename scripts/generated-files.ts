import { allEndpoints } from '@movie-ticketing/gateway/all-endpoints';
import { makeApiDocument } from '@movie-ticketing/gateway/api-document';

/** What is made from the sources and committed all the same: path from the root, and content. */
export const generatedFiles = (): { path: string; content: string }[] => [
  {
    path: 'docs/openapi.json',
    content: `${JSON.stringify(makeApiDocument(allEndpoints()), null, 2)}\n`,
  },
];
