import { z } from 'zod';

import { database } from './database.schema.ts';
import { objectName, resources, rule, text } from './spec-fields.ts';

/**
 * The MovieTicketing resource: the source of the CRD (crds/, `npm run generate`), of its types and of
 * what the operator parses. What a type cannot say stands as CEL in `x-kubernetes-validations`.
 */

const images = z
  .strictObject({
    registry: z.string().max(253).exactOptional().meta({
      description:
        'Put before the image names, for instance registry.example.com/tickets. None by default.',
    }),
    pullPolicy: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .default('IfNotPresent')
      .meta({ description: 'When nodes pull images.' }),
    pullSecrets: z
      .array(objectName('A Secret with registry credentials.'))
      .max(10)
      .default([])
      .meta({ description: 'Secrets with registry credentials, in the resource’s namespace.' }),
  })
  .prefault({})
  .meta({ description: 'Where images come from.' });

const service = z
  .strictObject({
    replicas: z.int().min(0).max(50).default(2).meta({ description: 'How many pods.' }),
    resources: resources.exactOptional(),
    logLevel: z
      .enum(['trace', 'debug', 'info', 'warn', 'error'])
      .default('info')
      .meta({ description: 'What is logged.' }),
  })
  .prefault({});

const SEED_CONFIG_MAP = 'set seed.configMapRef with mode configMap, and only then';

export const specSchema = z.strictObject({
  version: text(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 128, 'must be an image tag, for instance 1.0.0')
    .exactOptional()
    .meta({ description: 'Image tag of the services; the operator’s own version unless set.' }),
  images,
  database: database.prefault({ managed: {} }),
  services: z
    .strictObject({
      catalog: service.meta({ description: 'Movies, theaters, screenings.' }),
      users: service.meta({ description: 'Accounts and tokens.' }),
      bookings: service.meta({ description: 'Bookings and payments.' }),
    })
    .prefault({})
    .meta({ description: 'The three services.' }),
  gateway: z
    .strictObject({
      replicas: z.int().min(0).max(50).default(2).meta({ description: 'How many pods.' }),
      service: z
        .strictObject({
          type: z
            .enum(['NodePort', 'ClusterIP', 'LoadBalancer'])
            .default('NodePort')
            .meta({ description: 'How the gateway is reached.' }),
          nodePort: z
            .int()
            .min(30_000)
            .max(32_767)
            .default(30_080)
            .meta({ description: 'The port on every node, for NodePort and LoadBalancer.' }),
        })
        .prefault({})
        .meta({ description: 'The gateway’s Service.' }),
      tls: z
        .strictObject({ secretName: objectName('A Secret of type kubernetes.io/tls.') })
        .exactOptional()
        .meta({
          description: 'Serve HTTPS with this certificate; a renewed one is taken up by itself.',
        }),
      rateLimit: z
        .int()
        .min(1)
        .max(100_000)
        .exactOptional()
        .meta({ description: 'Requests a second from one address; no limit unless set.' }),
    })
    .prefault({})
    .meta({ description: 'What clients reach.' }),
  bookings: z
    .strictObject({
      holdMinutes: z
        .int()
        .min(1)
        .max(1_440)
        .default(15)
        .meta({ description: 'How long an unpaid booking keeps its seats.' }),
      currency: text(/^[A-Z]{3}$/, 3, 'must be a code of ISO 4217, for instance USD')
        .default('USD')
        .meta({ description: 'ISO 4217 code of prices.' }),
    })
    .prefault({})
    .meta({ description: 'Rules of booking.' }),
  seed: z
    .strictObject({
      mode: z
        .enum(['demo', 'none', 'configMap'])
        .default('none')
        .meta({ description: 'What is loaded once into an empty system.' }),
      configMapRef: z
        .strictObject({
          name: objectName('A ConfigMap with the keys movies.json and theaters.json.'),
        })
        .exactOptional()
        .meta({ description: 'For mode configMap.' }),
    })
    .refine(({ mode, configMapRef }) => (mode === 'configMap') === (configMapRef !== undefined), {
      message: SEED_CONFIG_MAP,
    })
    .prefault({})
    .meta({
      description: 'The data to begin with.',
      'x-kubernetes-validations': [
        rule(
          "(has(self.mode) && self.mode == 'configMap') == has(self.configMapRef)",
          SEED_CONFIG_MAP,
        ),
      ],
    }),
  adminSecretRef: z
    .strictObject({ name: objectName('A Secret with the keys email and password.') })
    .exactOptional()
    .meta({
      description:
        'The first administrator. Unless set, one is made up and kept in the Secret <name>-admin.',
    }),
  paused: z.boolean().default(false).meta({ description: 'Stop reconciling; what runs goes on.' }),
});

export type MovieTicketingSpec = z.output<typeof specSchema>;
export type MovieTicketingSpecInput = z.input<typeof specSchema>;

export const conditionTypes = [
  'Ready',
  'Progressing',
  'Degraded',
  'DatabaseReady',
  'MigrationsApplied',
  'Seeded',
  'ServicesReady',
  'GatewayReady',
] as const;
export type ConditionType = (typeof conditionTypes)[number];

export const phases = [
  'Pending',
  'Installing',
  'Running',
  'Upgrading',
  'Degraded',
  'Paused',
  'Deleting',
] as const;

const described = <Schema extends z.ZodType>(schema: Schema, description: string): Schema =>
  schema.meta({ description });

const condition = z
  .strictObject({
    type: described(z.enum(conditionTypes), 'What is said to hold or not.'),
    status: described(z.enum(['True', 'False', 'Unknown']), 'Whether it holds.'),
    reason: described(z.string().min(1).max(1_024), 'Why, in one word for programs.'),
    message: described(z.string().max(32_768), 'Why, and what to do about it.'),
    lastTransitionTime: described(z.iso.datetime(), 'When the status last changed.'),
    observedGeneration: described(z.int(), 'The generation of the spec that this was seen for.'),
  })
  .meta({ description: 'docs/operate.md has each with its reasons and cures.' });

export const statusSchema = z.strictObject({
  observedGeneration: z
    .int()
    .exactOptional()
    .meta({ description: 'The generation of the spec that this status is for.' }),
  phase: z.enum(phases).exactOptional().meta({ description: 'The conditions in one word.' }),
  version: z.string().exactOptional().meta({ description: 'The version that serves.' }),
  url: z.string().exactOptional().meta({ description: 'Where the gateway is reached.' }),
  replicas: z
    .strictObject({
      catalog: described(z.int(), 'Ready pods of the catalog.'),
      users: described(z.int(), 'Ready pods of users.'),
      bookings: described(z.int(), 'Ready pods of bookings.'),
      gateway: described(z.int(), 'Ready pods of the gateway.'),
    })
    .exactOptional()
    .meta({ description: 'Ready pods of each service.' }),
  migrations: z
    .strictObject({
      current: z.string().exactOptional().meta({ description: 'The newest migration applied.' }),
      lastJob: z.string().exactOptional().meta({ description: 'The Job that applied it.' }),
      completedAt: z.iso.datetime().exactOptional().meta({ description: 'When that was done.' }),
      message: z
        .string()
        .max(4_096)
        .exactOptional()
        .meta({ description: 'What they found that somebody should know.' }),
    })
    .exactOptional()
    .meta({ description: 'How far the database’s schema is.' }),
  seededBy: z.string().exactOptional().meta({ description: 'The seed Job that completed.' }),
  conditions: z
    .array(condition)
    .max(8)
    .exactOptional()
    .meta({
      description: 'What holds and what does not, and why.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    }),
});

export type MovieTicketingStatus = z.output<typeof statusSchema>;
export type Condition = z.output<typeof condition>;

/** The resource as the API server gives it, defaults filled in. */
export type MovieTicketing = {
  apiVersion: 'movieticketing.io/v1';
  kind: 'MovieTicketing';
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    generation: number;
    resourceVersion: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
    deletionTimestamp?: string;
    finalizers?: string[];
  };
  spec: MovieTicketingSpec;
  status?: MovieTicketingStatus;
};
