import { z } from 'zod';

/**
 * The MovieTicketing resource: the source of the CRD (crds/, `npm run generate`), of its types and of
 * what the operator parses. What a type cannot say stands as CEL in `x-kubernetes-validations`.
 */

/** A rule the API server checks, with what to do in its message. */
const rule = (expression: string, message: string) => ({ rule: expression, message });

const quantity = z
  .string()
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?(m|[kKMGTP]i?)?$/, 'must be a quantity like 500m or 2Gi');

const resources = z
  .strictObject({
    requests: z
      .strictObject({ cpu: quantity.exactOptional(), memory: quantity.exactOptional() })
      .exactOptional(),
    limits: z
      .strictObject({ cpu: quantity.exactOptional(), memory: quantity.exactOptional() })
      .exactOptional(),
  })
  .meta({
    description:
      'CPU and memory that a pod asks for and may use; unset parts keep the operator’s defaults.',
  });

const name = (description: string) =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
    .meta({ description });

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
      .array(name('A Secret with registry credentials.'))
      .max(10)
      .default([])
      .meta({ description: 'Secrets with registry credentials, in the resource’s namespace.' }),
  })
  .prefault({})
  .meta({ description: 'Where images come from.' });

const managedDatabase = z
  .strictObject({
    image: z
      .string()
      .min(1)
      .max(253)
      .default('postgres:17')
      .meta({ description: 'The PostgreSQL image.' }),
    storage: z
      .strictObject({
        size: quantity.default('10Gi').meta({
          description:
            'Size of the volume. It can grow where the storage class allows it, never shrink.',
        }),
        storageClassName: name(
          'The storage class; the cluster’s default unless set.',
        ).exactOptional(),
      })
      .prefault({})
      .meta({
        description: 'The database’s volume.',
        'x-kubernetes-validations': [
          rule(
            'quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0',
            'storage never shrinks: set size to the present one or larger',
          ),
          rule(
            'has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)',
            'the storage class of a volume cannot change: restore a backup into a new resource instead',
          ),
        ],
      }),
    resources: resources.exactOptional(),
    parameters: z
      .record(
        z
          .string()
          .max(63)
          .regex(/^[a-z_][a-z0-9_.]*$/),
        z.string().max(200),
      )
      .default({})
      .meta({
        description: 'PostgreSQL parameters, for instance shared_buffers: 1GB.',
        maxProperties: 50,
      }),
    reclaimPolicy: z.enum(['Retain', 'Delete']).default('Retain').meta({
      description:
        'What becomes of the data when the resource is deleted: kept for a new resource of the same name, or removed.',
    }),
  })
  .meta({ description: 'A PostgreSQL that the operator runs.' });

const externalDatabase = z
  .strictObject({
    host: z.string().min(1).max(253).meta({ description: 'Host name or address.' }),
    port: z.int().min(1).max(65_535).default(5432).meta({ description: 'TCP port.' }),
    name: z
      .string()
      .min(1)
      .max(63)
      .default('movie_ticketing')
      .meta({ description: 'Database name. It must exist.' }),
    sslMode: z
      .enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full'])
      .default('require')
      .meta({ description: 'As libpq’s sslmode.' }),
    credentialsSecretRef: z
      .strictObject({
        name: name('A Secret in the same namespace with the keys username and password.'),
      })
      .meta({ description: 'The login that migrates and serves.' }),
  })
  .meta({ description: 'A PostgreSQL that somebody else runs.' });

const database = z
  .strictObject({
    managed: managedDatabase.exactOptional(),
    external: externalDatabase.exactOptional(),
  })
  .meta({
    description: 'Exactly one of managed and external.',
    'x-kubernetes-validations': [
      rule(
        'has(self.managed) != has(self.external)',
        'set exactly one of database.managed and database.external',
      ),
      rule(
        'has(self.managed) == has(oldSelf.managed)',
        'a database cannot change between managed and external: make a new resource and move the data',
      ),
    ],
  });

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

export const specSchema = z.strictObject({
  version: z
    .string()
    .min(1)
    .max(128)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/)
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
        .strictObject({ secretName: name('A Secret of type kubernetes.io/tls.') })
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
      currency: z
        .string()
        .regex(/^[A-Z]{3}$/)
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
        .strictObject({ name: name('A ConfigMap with the keys movies.json and theaters.json.') })
        .exactOptional()
        .meta({ description: 'For mode configMap.' }),
    })
    .prefault({})
    .meta({
      description: 'The data to begin with.',
      'x-kubernetes-validations': [
        rule(
          "(self.mode == 'configMap') == has(self.configMapRef)",
          'set seed.configMapRef with mode configMap, and only then',
        ),
      ],
    }),
  adminSecretRef: z
    .strictObject({ name: name('A Secret with the keys email and password.') })
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

const condition = z.strictObject({
  type: z.enum(conditionTypes),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().min(1).max(1_024),
  message: z.string().max(32_768),
  lastTransitionTime: z.iso.datetime(),
  observedGeneration: z.int(),
});

export const statusSchema = z.strictObject({
  observedGeneration: z.int().exactOptional(),
  phase: z.enum(phases).exactOptional(),
  version: z.string().exactOptional().meta({ description: 'The version that serves.' }),
  url: z.string().exactOptional(),
  replicas: z
    .strictObject({ catalog: z.int(), users: z.int(), bookings: z.int(), gateway: z.int() })
    .exactOptional()
    .meta({ description: 'Ready pods of each service.' }),
  migrations: z
    .strictObject({
      current: z.string().exactOptional().meta({ description: 'The newest migration applied.' }),
      lastJob: z.string().exactOptional(),
      completedAt: z.iso.datetime().exactOptional(),
    })
    .exactOptional(),
  seededBy: z.string().exactOptional().meta({ description: 'The seed Job that completed.' }),
  conditions: z.array(condition).max(8).exactOptional(),
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
