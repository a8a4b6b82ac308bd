import { z } from 'zod';

import { specSchema, statusSchema } from './movie-ticketing.schema.ts';
import { rule } from './spec-fields.ts';
import { toStructuralSchema, type JsonSchema } from './structural-schema.ts';

export const group = 'movieticketing.io';
export const version = 'v1';
export const kind = 'MovieTicketing';
export const plural = 'movieticketings';

/** Names of owned objects are the resource's name and up to 23 characters more. Services and labels allow 63. */
const MAX_NAME = 40;

const structural = (schema: z.ZodType, more: JsonSchema): JsonSchema =>
  toStructuralSchema({
    ...(z.toJSONSchema(schema, {
      target: 'openapi-3.0',
      io: 'input',
      reused: 'inline',
    }) as JsonSchema),
    ...more,
  });

const openApiSchema = (): JsonSchema => ({
  type: 'object',
  description: 'A movie ticketing system: its database, three services and gateway.',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: structural(specSchema, {
      description: 'Desired state. Every field has a default: {} describes a complete system.',
      default: {},
    }),
    status: structural(statusSchema, { description: 'Last state that the operator observed.' }),
  },
  'x-kubernetes-validations': [
    rule(
      `self.metadata.name.size() <= ${String(MAX_NAME)}`,
      `metadata.name is too long: choose a name of at most ${String(MAX_NAME)} characters, because names of owned objects begin with it`,
    ),
    rule(
      "self.metadata.name.matches(r'^[a-z]([-a-z0-9]*[a-z0-9])?$')",
      'metadata.name must also be valid for a Service: lower-case letters, digits and -, a letter first',
    ),
    rule(
      '!has(oldSelf.status) || !has(oldSelf.status.version) || self.spec.bookings.currency == oldSelf.spec.bookings.currency',
      'spec.bookings.currency cannot change once the system has served, because stored prices are in it: set it back, or create a new resource',
    ),
  ],
});

const printerColumns = [
  {
    name: 'Ready',
    type: 'string',
    description: 'Whether everything is as specified.',
    jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  },
  { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
  { name: 'Version', type: 'string', jsonPath: '.status.version' },
  { name: 'URL', type: 'string', jsonPath: '.status.url' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

/** The CustomResourceDefinition, from the schemas in movie-ticketing.schema.ts. */
export const makeCustomResourceDefinition = () => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${plural}.${group}`,
    labels: {
      'app.kubernetes.io/name': 'movie-ticketing-operator',
      'app.kubernetes.io/part-of': 'movie-ticketing',
    },
  },
  spec: {
    group,
    scope: 'Namespaced',
    names: {
      kind,
      listKind: `${kind}List`,
      plural,
      singular: 'movieticketing',
      shortNames: ['mt'],
    },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: printerColumns,
        schema: { openAPIV3Schema: openApiSchema() },
      },
    ],
  },
});
