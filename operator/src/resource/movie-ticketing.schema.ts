import { z } from 'zod';

import { backup, restoreFrom } from './backup.schema.ts';
import { database } from './database.schema.ts';
import { gateway } from './gateway.schema.ts';
import { monitoring } from './monitoring.schema.ts';
import { pods } from './pods.schema.ts';
import { rotation } from './rotation.schema.ts';
import { services } from './services.schema.ts';
import { objectName, resources, rule, text } from './spec-fields.ts';

/**
 * The MovieTicketing custom resource: the source of the CRD (crds/, `npm run generate`), of the types
 * and of what the operator parses. Checks that a type cannot express are CEL rules.
 */

const images = z
  .strictObject({
    registry: text(
      /^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?(\/[a-z0-9]+([-._]+[a-z0-9]+)*)*$/,
      253,
      'must be a registry host with an optional port and path, for instance registry.example.com/tickets: no scheme, no slash at the end',
    )
      .exactOptional()
      .meta({
        description: 'Prefix of the image names, for instance registry.example.com/tickets.',
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
  .meta({ description: 'Source of the images.' });

const SEED_CONFIG_MAP = 'set seed.configMapRef with mode configMap, and only then';

export const specSchema = z.strictObject({
  version: text(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 128, 'must be an image tag, for instance 1.0.0')
    .exactOptional()
    .meta({ description: 'Image tag of the services. The version of the operator unless set.' }),
  images,
  database: database.prefault({ managed: {} }),
  services,
  gateway,
  bookings: z
    .strictObject({
      holdMinutes: z
        .int()
        .min(1)
        .max(1_440)
        .default(15)
        .meta({ description: 'Minutes that an unpaid booking keeps its seats.' }),
      currency: text(/^[A-Z]{3}$/, 3, 'must be a code of ISO 4217, for instance USD')
        .default('USD')
        .meta({
          description:
            'ISO 4217 code of all prices. It cannot change once the system has served, because stored prices are in it.',
        }),
      maxTicketsPerBooking: z
        .int()
        .min(1)
        .max(1_000)
        .default(10)
        .meta({ description: 'Most tickets that one booking can have.' }),
    })
    .prefault({})
    .meta({ description: 'Rules of booking.' }),
  jobs: z
    .strictObject({ resources: resources.exactOptional() })
    .prefault({})
    .meta({ description: 'The Jobs that migrate and seed the database.' }),
  backup: backup.exactOptional(),
  restoreFrom: restoreFrom.exactOptional(),
  pods,
  monitoring,
  rotation,
  seed: z
    .strictObject({
      mode: z
        .enum(['demo', 'none', 'configMap'])
        .default('none')
        .meta({ description: 'Data that a Job loads once, after the first migrations.' }),
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
      description: 'Seed data.',
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
        'The first administrator. Unless set, the operator generates one and keeps it in the Secret <name>-admin.',
    }),
  paused: z.boolean().default(false).meta({ description: 'Stop reconciling. Pods keep running.' }),
});

export type MovieTicketingSpec = z.output<typeof specSchema>;
export type MovieTicketingSpecInput = z.input<typeof specSchema>;

export const conditionTypes = [
  'Ready',
  'Available',
  'Progressing',
  'Degraded',
  'DatabaseReady',
  'MigrationsApplied',
  'Seeded',
  'ServicesReady',
  'GatewayReady',
  'RouteAccepted',
  'BackupHealthy',
  'RestoreVerified',
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

const failure = (description: string) =>
  z
    .strictObject({
      since: described(z.iso.datetime(), 'Time of the first failure.'),
      message: described(z.string().max(4_096), 'The last failure.'),
    })
    .meta({ description });

const condition = z
  .strictObject({
    type: described(z.enum(conditionTypes), 'Type of the condition.'),
    status: described(z.enum(['True', 'False', 'Unknown']), 'Whether the condition holds.'),
    reason: described(z.string().min(1).max(1_024), 'Reason in one word, for programs.'),
    message: described(z.string().max(32_768), 'Reason and what to do about it.'),
    lastTransitionTime: described(z.iso.datetime(), 'When the status last changed.'),
    observedGeneration: described(z.int(), 'Generation of the spec that the condition is about.'),
  })
  .meta({
    description: 'A condition. docs/conditions-and-cures.md lists the reasons and their cures.',
  });

export const statusSchema = z.strictObject({
  observedGeneration: z
    .int()
    .exactOptional()
    .meta({ description: 'Generation of the spec that this status is about.' }),
  phase: z
    .enum(phases)
    .exactOptional()
    .meta({ description: 'Summary of the conditions in one word.' }),
  version: z.string().exactOptional().meta({ description: 'Version that serves requests.' }),
  url: z.string().exactOptional().meta({ description: 'URL of the gateway.' }),
  replicas: z
    .strictObject({
      catalog: described(z.int(), 'Ready pods of the catalog service.'),
      users: described(z.int(), 'Ready pods of the users service.'),
      bookings: described(z.int(), 'Ready pods of the bookings service.'),
      gateway: described(z.int(), 'Ready pods of the gateway.'),
    })
    .exactOptional()
    .meta({ description: 'Ready pods of each service.' }),
  migrations: z
    .strictObject({
      current: z.string().exactOptional().meta({ description: 'Last migration that was applied.' }),
      lastJob: z.string().exactOptional().meta({ description: 'Job that applied it.' }),
      completedAt: z.iso
        .datetime()
        .exactOptional()
        .meta({ description: 'When the Job completed.' }),
      logins: z
        .string()
        .exactOptional()
        .meta({ description: 'Hash of the logins that it set for the services.' }),
      message: z
        .string()
        .max(4_096)
        .exactOptional()
        .meta({ description: 'Notice from the migrations.' }),
    })
    .exactOptional()
    .meta({ description: 'State of the database schema.' }),
  backup: z
    .strictObject({
      lastSuccess: described(
        z.iso.datetime(),
        'When the last backup was published.',
      ).exactOptional(),
      last: described(z.string(), 'Id of that backup.').exactOptional(),
      recoveryPoint: described(
        z.iso.datetime(),
        'What was committed until then is in that backup.',
      ).exactOptional(),
      size: described(z.int(), 'Bytes of that backup.').exactOptional(),
      rows: described(z.int(), 'Rows in that backup.').exactOptional(),
      failure: failure('Since when backups fail, and why.').exactOptional(),
      lastVerified: described(
        z.iso.datetime(),
        'When a backup was last restored and checked.',
      ).exactOptional(),
      verified: described(z.string(), 'Id of the backup that was checked.').exactOptional(),
      verificationFailure: failure('Since when the verification fails, and why.').exactOptional(),
    })
    .exactOptional()
    .meta({ description: 'State of the backups.' }),
  restored: z
    .strictObject({
      completedAt: described(z.iso.datetime(), 'When the restore completed.'),
      backup: described(z.string(), 'Id of the backup.').exactOptional(),
      recoveryPoint: described(
        z.iso.datetime(),
        'What was committed until then was restored.',
      ).exactOptional(),
    })
    .exactOptional()
    .meta({ description: 'The backup that the database was filled from.' }),
  rotation: z
    .strictObject({
      databasePasswords: z
        .strictObject({
          setAt: described(z.iso.datetime(), 'When the passwords were made.'),
          state: described(
            z.enum(['steady', 'opening', 'closing']),
            'steady, or the phase of a rotation: opening a second login, closing the former one.',
          ),
        })
        .exactOptional()
        .meta({ description: 'Passwords of the services in the managed database.' }),
    })
    .exactOptional()
    .meta({ description: 'State of the secrets that are rotated.' }),
  seededBy: z.string().exactOptional().meta({ description: 'Seed Job that completed.' }),
  conditions: z
    .array(condition)
    .max(conditionTypes.length)
    .exactOptional()
    .meta({
      description: 'Conditions of the system.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    }),
});

export type MovieTicketingStatus = z.output<typeof statusSchema>;
export type Condition = z.output<typeof condition>;

/** The custom resource as the API server returns it, defaults filled in. */
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
