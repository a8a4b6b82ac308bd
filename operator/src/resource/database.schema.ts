import { z } from 'zod';

import { postgresParameters } from './postgres-parameters.schema.ts';
import { byteSize, keyReference, objectName, resources, rule } from './spec-fields.ts';

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
            'Size of the volume. A larger size takes effect where the storage class can expand volumes. A volume never shrinks.',
        }),
        storageClassName: objectName(
          'Storage class of the volume. The default class of the cluster unless set.',
        ).exactOptional(),
      })
      .prefault({})
      .meta({ description: 'The volume of the database.' }),
    resources: resources.exactOptional(),
    parameters: postgresParameters,
    reclaimPolicy: z.enum(['Retain', 'Delete']).default('Retain').meta({
      description:
        'What happens to the volume when the custom resource is deleted. Retain keeps it for a new resource of the same name, Delete deletes it.',
    }),
  })
  .meta({ description: 'A PostgreSQL that the operator runs.' });

const ONE_SOURCE = 'set exactly one of secretKeyRef and configMapKeyRef';

const rootCertificate = z
  .strictObject({
    secretKeyRef: keyReference('A key of a Secret.', 'The key.', 'ca.crt').exactOptional(),
    configMapKeyRef: keyReference('A key of a ConfigMap.', 'The key.', 'ca.crt').exactOptional(),
  })
  .refine(
    ({ secretKeyRef, configMapKeyRef }) =>
      (secretKeyRef === undefined) !== (configMapKeyRef === undefined),
    { message: ONE_SOURCE },
  )
  .meta({
    description:
      'Certificates (PEM) of the authorities that sign the certificate of the database. Required for verify-ca. For verify-full the authorities that Node.js trusts are used unless set.',
    'x-kubernetes-validations': [
      rule('has(self.secretKeyRef) != has(self.configMapKeyRef)', ONE_SOURCE),
    ],
  });

const NEEDS_ROOT = 'set database.external.sslRootCert: sslMode verify-ca needs it';
const NEEDS_VERIFY =
  'database.external.sslRootCert is for sslMode verify-ca and verify-full: set one of them, or remove it';

const externalDatabase = z
  .strictObject({
    host: z.string().min(1).max(253).meta({ description: 'Host name or IP address.' }),
    port: z.int().min(1).max(65_535).default(5432).meta({ description: 'TCP port.' }),
    name: z
      .string()
      .min(1)
      .max(63)
      .default('movie_ticketing')
      .meta({ description: 'Name of the database. The database must exist.' }),
    sslMode: z.enum(['disable', 'require', 'verify-ca', 'verify-full']).default('require').meta({
      description:
        'How connections are secured, with the meaning of libpq’s sslmode. disable: no encryption. require: encryption, the certificate is not checked. verify-ca: the certificate is checked. verify-full: the certificate and the host name are checked.',
    }),
    sslRootCert: rootCertificate.exactOptional(),
    maxConnections: z.int().min(10).max(100_000).exactOptional().meta({
      description:
        'Connections that the login of this resource may open. Pools are made to fit into it; unset, each pod opens up to ten.',
    }),
    credentialsSecretRef: z
      .strictObject({
        name: objectName('A Secret in the same namespace with the keys username and password.'),
      })
      .meta({ description: 'The login of the migrations and the services.' }),
  })
  .refine(({ sslMode, sslRootCert }) => sslMode !== 'verify-ca' || sslRootCert !== undefined, {
    message: NEEDS_ROOT,
  })
  .refine(
    ({ sslMode, sslRootCert }) => sslRootCert === undefined || sslMode.startsWith('verify-'),
    { message: NEEDS_VERIFY },
  )
  .meta({
    description: 'A PostgreSQL that the operator does not run.',
    'x-kubernetes-validations': [
      rule("self.sslMode != 'verify-ca' || has(self.sslRootCert)", NEEDS_ROOT),
      rule("!has(self.sslRootCert) || self.sslMode.startsWith('verify-')", NEEDS_VERIFY),
    ],
  });

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
    description: 'The database: exactly one of managed and external.',
    'x-kubernetes-validations': [
      rule('has(self.managed) != has(self.external)', ONE_DATABASE),
      rule(
        'has(self.managed) == has(oldSelf.managed)',
        'a database cannot change between managed and external: create a new resource and move the data',
      ),
    ],
  });
