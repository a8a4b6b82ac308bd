import { z } from 'zod';

import { objectName, rule, text } from './spec-fields.ts';

const CRON_FORM = /^(\S+ ){4}\S+$/;
const schedule = (description: string, standard: string) =>
  text(CRON_FORM, 100, 'must be five fields of cron, for instance 30 3 * * *')
    .default(standard)
    .meta({ description });

const ONE_STORAGE = 'set exactly one of persistentVolumeClaim and s3';

const s3 = z
  .strictObject({
    bucket: text(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      63,
      'must be the name of a bucket: lower-case letters, digits, - and .',
    ).meta({ description: 'The bucket.' }),
    prefix: text(
      /^([A-Za-z0-9._-]+\/)*$/,
      200,
      'must be empty or names that each end with /, for instance cinema/',
    )
      .default('')
      .meta({ description: 'Before the name of every object.' }),
    region: text(/^[a-z0-9-]+$/, 40, 'must be the name of a region, for instance eu-central-1')
      .default('us-east-1')
      .meta({ description: 'Region of the bucket.' }),
    endpoint: text(
      /^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?$/,
      253,
      'must be a URL without a path, for instance https://s3.example.com',
    )
      .exactOptional()
      .meta({ description: 'Of a server that is not Amazon’s.' }),
    forcePathStyle: z
      .boolean()
      .default(false)
      .meta({ description: 'Put the bucket into the path and not into the host name.' }),
    credentialsSecretRef: z
      .strictObject({
        name: objectName('A Secret with the keys access-key-id and secret-access-key.'),
      })
      .meta({ description: 'A key that may list, read, write and delete objects.' }),
  })
  .meta({ description: 'A bucket of Amazon S3 or a compatible server.' });

const storage = z
  .strictObject({
    persistentVolumeClaim: z
      .strictObject({
        claimName: objectName('A PersistentVolumeClaim in the namespace of the custom resource.'),
      })
      .exactOptional()
      .meta({ description: 'A volume, which should not be on the disk of the database.' }),
    s3: s3.exactOptional(),
  })
  .refine(
    ({ persistentVolumeClaim, s3: bucket }) =>
      (persistentVolumeClaim === undefined) !== (bucket === undefined),
    { message: ONE_STORAGE },
  )
  .meta({
    description: 'Where backups are kept: exactly one of persistentVolumeClaim and s3.',
    'x-kubernetes-validations': [
      rule('has(self.persistentVolumeClaim) != has(self.s3)', ONE_STORAGE),
    ],
  });

/** `spec.backup`. */
export const backup = z
  .strictObject({
    schedule: schedule('When a backup is made, in UTC.', '30 3 * * *'),
    retention: z
      .strictObject({
        count: z
          .int()
          .min(1)
          .max(1_000)
          .default(7)
          .meta({ description: 'Backups that are kept. The last verified one always is.' }),
      })
      .prefault({})
      .meta({ description: 'How many backups are kept.' }),
    storage,
    beforeMigrations: z.boolean().default(false).meta({
      description:
        'Make a backup before the migrations of a new version. They wait until it is published.',
    }),
    verify: z
      .strictObject({
        schedule: schedule('When the newest backup is restored and checked, in UTC.', '30 4 * * 0'),
      })
      .prefault({})
      .meta({
        description:
          'The verification: a restore into a PostgreSQL of its own, with row counts and the audit. Old backups are removed only after it.',
      }),
    image: z.string().min(1).max(253).exactOptional().meta({
      description:
        'The image with pg_dump. That of the managed database, or postgres:17, unless set.',
    }),
  })
  .meta({ description: 'Regular backups.' });

/** `spec.restoreFrom`. */
export const restoreFrom = z
  .strictObject({
    storage,
    backup: text(
      /^[0-9]{8}T[0-9]{6}Z$/,
      16,
      'must be the id of a backup, for instance 20270301T033000Z',
    )
      .exactOptional()
      .meta({ description: 'The backup. The newest one unless set.' }),
  })
  .meta({
    description:
      'A backup that a new database (managed or cloudNativePG) is filled with before the migrations. Ignored once the system has been installed.',
  });

export type BackupStorage = z.output<typeof storage>;
