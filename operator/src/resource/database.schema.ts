import { z } from 'zod';

import { byteSize, objectName, resources, rule } from './spec-fields.ts';

const MAX_PARAMETERS = 50;
const PARAMETER_FORM = /^[a-z_][a-z0-9_.]{0,62}$/;
const PARAMETER_MESSAGE = 'must be names of PostgreSQL parameters, for instance shared_buffers';
const parameterName = z.string().regex(PARAMETER_FORM, PARAMETER_MESSAGE);

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
        size: byteSize.default('10Gi').meta({
          description:
            'Size of the volume. It can grow where the storage class allows it, never shrink.',
        }),
        storageClassName: objectName(
          'The storage class; the cluster’s default unless set.',
        ).exactOptional(),
      })
      .prefault({})
      .meta({
        description: 'The database’s volume.',
        'x-kubernetes-validations': [
          rule(
            '!has(self.size) || !isQuantity(self.size) || quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0',
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
      .record(parameterName, z.string().max(200))
      .refine((parameters) => Object.keys(parameters).length <= MAX_PARAMETERS, 'at most 50')
      .default({})
      .meta({
        description: 'PostgreSQL parameters, for instance shared_buffers: 1GB.',
        maxProperties: MAX_PARAMETERS,
        'x-kubernetes-validations': [
          rule(`self.all(name, name.matches(r'${PARAMETER_FORM.source}'))`, PARAMETER_MESSAGE),
        ],
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
        name: objectName('A Secret in the same namespace with the keys username and password.'),
      })
      .meta({ description: 'The login that migrates and serves.' }),
  })
  .meta({ description: 'A PostgreSQL that somebody else runs.' });

const ONE_DATABASE = 'set exactly one of database.managed and database.external';

/** `spec.database`. */
export const database = z
  .strictObject({
    managed: managedDatabase.exactOptional(),
    external: externalDatabase.exactOptional(),
  })
  .refine(({ managed, external }) => (managed === undefined) !== (external === undefined), {
    message: ONE_DATABASE,
  })
  .meta({
    description: 'Exactly one of managed and external.',
    'x-kubernetes-validations': [
      rule('has(self.managed) != has(self.external)', ONE_DATABASE),
      rule(
        'has(self.managed) == has(oldSelf.managed)',
        'a database cannot change between managed and external: make a new resource and move the data',
      ),
    ],
  });
