import { z } from 'zod';

import { autoscaling } from './autoscaling.schema.ts';
import { keyReference, resources, rule, text } from './spec-fields.ts';

/** Variables that the operator sets from other fields of the custom resource. */
export const reservedVariables: readonly string[] = [
  'HOST',
  'PORT',
  'MANAGEMENT_PORT',
  'LOG_LEVEL',
  'CURRENCY',
  'HOLD_MINUTES',
  'MAX_TICKETS_PER_BOOKING',
  'CORS_ORIGINS',
  'TRUST_PROXY',
  'JWT_JWKS_URL',
  'JWT_KEY_ROTATION_DAYS',
  'JWT_REPLACE_KEYS_BEFORE',
  'DATABASE_URL',
  'DB_HOST',
  'DB_PORT',
  'DB_USER',
  'DB_PASSWORD',
  'DB_NAME',
  'DB_SSLMODE',
  'DB_SSLROOTCERT',
  'DB_POOL_SIZE',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'ADMIN_EMAIL',
  'ADMIN_PASSWORD',
];
const RESERVED_MESSAGE = `the operator sets these variables from other fields: ${reservedVariables.join(', ')}`;

const ONE_SOURCE = 'set exactly one of value and valueFrom for each variable';
const ONE_KEY = 'set exactly one of secretKeyRef and configMapKeyRef';

const valueSource = z
  .strictObject({
    secretKeyRef: keyReference('A key of a Secret.', 'The key.').exactOptional(),
    configMapKeyRef: keyReference('A key of a ConfigMap.', 'The key.').exactOptional(),
  })
  .refine(
    ({ secretKeyRef, configMapKeyRef }) =>
      (secretKeyRef === undefined) !== (configMapKeyRef === undefined),
    { message: ONE_KEY },
  )
  .meta({
    description: 'A key of a Secret or ConfigMap. A changed value takes effect when a pod starts.',
    'x-kubernetes-validations': [
      rule('has(self.secretKeyRef) != has(self.configMapKeyRef)', ONE_KEY),
    ],
  });

const variable = z
  .strictObject({
    name: text(
      /^[A-Za-z_][A-Za-z0-9_]*$/,
      100,
      'must be the name of an environment variable: letters, digits and _',
    )
      .refine((name) => !reservedVariables.includes(name), RESERVED_MESSAGE)
      .meta({ description: 'Name of the variable.' }),
    value: z.string().max(4_096).exactOptional().meta({ description: 'Value of the variable.' }),
    valueFrom: valueSource.exactOptional(),
  })
  .refine(({ value, valueFrom }) => (value === undefined) !== (valueFrom === undefined), {
    message: ONE_SOURCE,
  })
  .meta({
    description: 'An environment variable.',
    'x-kubernetes-validations': [
      rule('has(self.value) != has(self.valueFrom)', ONE_SOURCE),
      rule(
        `!(self.name in [${reservedVariables.map((name) => `'${name}'`).join(', ')}])`,
        RESERVED_MESSAGE,
      ),
    ],
  });

const service = z
  .strictObject({
    replicas: z.int().min(0).max(50).default(2).meta({ description: 'Number of pods.' }),
    autoscaling: autoscaling.exactOptional(),
    resources: resources.exactOptional(),
    logLevel: z
      .enum(['trace', 'debug', 'info', 'warn', 'error'])
      .default('info')
      .meta({ description: 'Lowest level that is logged.' }),
    env: z
      .array(variable)
      .max(30)
      .refine(
        (variables) => new Set(variables.map(({ name }) => name)).size === variables.length,
        'must not name a variable twice',
      )
      .default([])
      .meta({
        description:
          'More environment variables of the container, for instance BOOKING_QUEUE_LIMIT.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      }),
  })
  .prefault({});

/** `spec.services`. */
export const services = z
  .strictObject({
    catalog: service.meta({ description: 'Movies, theaters and screenings.' }),
    users: service.meta({ description: 'Users, sessions and signing keys.' }),
    bookings: service.meta({ description: 'Bookings and payments.' }),
  })
  .prefault({})
  .meta({ description: 'The three services.' });
