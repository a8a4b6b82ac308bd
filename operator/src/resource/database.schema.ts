import { z } from 'zod';

import { postgresParameters } from './postgres-parameters.schema.ts';
import { byteSize, keyReference, objectName, resources, rule, text } from './spec-fields.ts';

const storage = z
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
  .meta({ description: 'The volume of the database.' });

const managedDatabase = z
  .strictObject({
    image: z
      .string()
      .min(1)
      .max(253)
      .default('postgres:17')
      .meta({ description: 'The PostgreSQL image.' }),
    storage,
    resources: resources.exactOptional(),
    parameters: postgresParameters,
    tls: z
      .strictObject({
        enabled: z
          .boolean()
          .default(true)
          .meta({ description: 'Services and Jobs connect with TLS and check the certificate.' }),
        issuerRef: z
          .strictObject({
            name: objectName('Name of the issuer.'),
            kind: z
              .enum(['Issuer', 'ClusterIssuer'])
              .default('Issuer')
              .meta({ description: 'Its kind.' }),
          })
          .exactOptional()
          .meta({
            description:
              'An issuer of cert-manager that also gives its own certificate (ca.crt). Unless set, the operator signs the certificate itself.',
          }),
        resources: resources.exactOptional(),
      })
      .prefault({})
      .meta({
        description:
          'Certificate of the database. It is renewed in time and loaded without a restart. The resources are those of the container that loads it.',
      }),
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

const serviceLogin = z
  .strictObject({
    name: objectName('A Secret in the same namespace with the keys username and password.'),
  })
  .meta({ description: 'The login of one service.' });

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
      .meta({
        description: 'The login of the migrations, and of the services without one of their own.',
      }),
    serviceCredentials: z
      .strictObject({
        catalog: serviceLogin.exactOptional(),
        users: serviceLogin.exactOptional(),
        bookings: serviceLogin.exactOptional(),
      })
      .prefault({})
      .meta({ description: 'Logins of the services, which must be granted their roles.' }),
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

const ARCHIVE_STORE = 'An ObjectStore (barmancloud.cnpg.io) in the same namespace.';
const serverName = objectName('Name of the archive in the bucket. That of the Cluster unless set.');

const SYNCHRONOUS_NUMBER =
  'synchronous.number must be less than instances: a commit waits for that many standby servers';

const cloudNativePg = z
  .strictObject({
    instances: z
      .int()
      .min(1)
      .max(9)
      .default(3)
      .meta({ description: 'PostgreSQL servers: a primary and its standby servers.' }),
    imageName: z.string().min(1).max(253).exactOptional().meta({
      description: 'The PostgreSQL image. That of CloudNativePG unless set.',
    }),
    storage,
    resources: resources.exactOptional(),
    parameters: postgresParameters,
    synchronous: z
      .strictObject({
        number: z.int().min(0).max(8).default(1).meta({
          description:
            'Standby servers that have a commit on disk before it is answered. 0: a failover can lose bookings that were confirmed.',
        }),
        dataDurability: z.enum(['required', 'preferred']).default('required').meta({
          description:
            'required: without enough standby servers, commits wait. preferred: they go on with the servers there are.',
        }),
      })
      .prefault({})
      .meta({ description: 'Synchronous replication.' }),
    backup: z
      .strictObject({
        objectStore: objectName(ARCHIVE_STORE),
        serverName: serverName.exactOptional(),
        schedule: text(
          /^(\S+ ){4}\S+$/,
          100,
          'must be five fields of cron, for instance 30 3 * * *',
        )
          .default('30 3 * * *')
          .meta({ description: 'When a base backup is made, in UTC.' }),
      })
      .exactOptional()
      .meta({
        description:
          'Archives the write-ahead log, and makes base backups, with the Barman Cloud plugin.',
      }),
    recovery: z
      .strictObject({
        objectStore: objectName(ARCHIVE_STORE),
        serverName: serverName.exactOptional(),
        targetTime: z.iso
          .datetime()
          .exactOptional()
          .meta({ description: 'Recover what was committed until then. All unless set.' }),
      })
      .exactOptional()
      .meta({
        description:
          'Fills a new Cluster from an archive. The new archive, in backup, needs another serverName.',
      }),
  })
  .refine(({ instances, synchronous }) => synchronous.number < instances, {
    message: SYNCHRONOUS_NUMBER,
  })
  .meta({
    description:
      'PostgreSQL with failover, run by CloudNativePG. Its Cluster is kept when the custom resource is deleted.',
    'x-kubernetes-validations': [
      rule('self.synchronous.number < self.instances', SYNCHRONOUS_NUMBER),
    ],
  });

const ONE_DATABASE =
  'set exactly one of database.managed, database.external and database.cloudNativePG';

/** `spec.database`. */
export const database = z
  .strictObject({
    managed: managedDatabase.exactOptional(),
    external: externalDatabase.exactOptional(),
    cloudNativePG: cloudNativePg.exactOptional(),
  })
  .refine((kinds) => Object.keys(kinds).length === 1, {
    message: ONE_DATABASE,
  })
  .meta({
    description: 'The database: exactly one of managed, external and cloudNativePG.',
    'x-kubernetes-validations': [
      rule(
        '[has(self.managed), has(self.external), has(self.cloudNativePG)].filter(x, x).size() == 1',
        ONE_DATABASE,
      ),
      rule(
        'has(self.managed) == has(oldSelf.managed) && has(self.external) == has(oldSelf.external)',
        'a database cannot change between managed, external and cloudNativePG: create a new resource and move the data (docs/back-up-and-restore.md)',
      ),
    ],
  });
