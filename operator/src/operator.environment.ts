import { environmentFields } from '@movie-ticketing/kit/config';
import { z } from 'zod';

import type { OperatorSettings } from './objects/settings.ts';

const image = (artifact: string) => z.string().min(1).default(`movie-ticketing-${artifact}`);

/** Environment variables of the operator, parsed once at start. */
export const operatorEnvironment = z.object({
  HOST: z.string().default('::'),
  /** `/livez`, `/readyz` and `/metrics`. */
  MANAGEMENT_PORT: environmentFields.integer(0, 65_535, 9090),
  LOG_LEVEL: environmentFields.oneOf(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'info',
  ),
  /** From the downward API: the holder and the namespace of the Lease. */
  POD_NAME: z.string().min(1).default('movie-ticketing-operator'),
  POD_NAMESPACE: z.string().min(1).default('movie-ticketing-system'),
  LEASE_NAME: z.string().min(1).default('movie-ticketing-operator'),
  /** Separated by commas. All namespaces unless set. */
  WATCH_NAMESPACES: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    ),
  /** Number of custom resources that are reconciled at once. */
  CONCURRENCY: environmentFields.integer(1, 32, 4),
  /** Image tag for custom resources without spec.version. */
  OPERATOR_VERSION: z.string().min(1).default('1.0.0'),
  IMAGE_CATALOG: image('catalog'),
  IMAGE_USERS: image('users'),
  IMAGE_BOOKINGS: image('bookings'),
  IMAGE_GATEWAY: image('gateway'),
  IMAGE_MIGRATIONS: image('migrations'),
  CLUSTER_DOMAIN: z.string().min(1).default('cluster.local'),
});

export type OperatorEnvironment = z.output<typeof operatorEnvironment>;

export const settingsFrom = (env: OperatorEnvironment): OperatorSettings => ({
  version: env.OPERATOR_VERSION,
  images: {
    catalog: env.IMAGE_CATALOG,
    users: env.IMAGE_USERS,
    bookings: env.IMAGE_BOOKINGS,
    gateway: env.IMAGE_GATEWAY,
    migrations: env.IMAGE_MIGRATIONS,
  },
  clusterDomain: env.CLUSTER_DOMAIN,
});
