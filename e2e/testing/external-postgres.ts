import { makeCertificate } from './certificates.ts';
import { apply, kubectl } from './kubectl.ts';

/** A PostgreSQL that no operator runs. */
export type ExternalPostgres = {
  host: string;
  /** Its self-signed certificate, PEM: connections are encrypted. */
  certificate: string;
  /** Runs SQL as a superuser and resolves with the output, without headers. */
  asDba: (sql: string, database?: string) => Promise<string>;
};

const postgresUid = 999;
const tlsFolder = '/etc/external-postgres';

const podOf = (namespace: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'external-postgres', namespace, labels: { app: 'external-postgres' } },
  spec: {
    securityContext: {
      runAsNonRoot: true,
      runAsUser: postgresUid,
      runAsGroup: postgresUid,
      fsGroup: postgresUid,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'postgres',
        image: 'postgres:17',
        imagePullPolicy: 'IfNotPresent',
        args: [
          ...['-c', 'ssl=on'],
          ...['-c', `ssl_cert_file=${tlsFolder}/tls.crt`],
          ...['-c', `ssl_key_file=${tlsFolder}/tls.key`],
        ],
        env: [
          { name: 'POSTGRES_PASSWORD', value: 'of-the-dba' },
          { name: 'PGDATA', value: '/var/lib/postgresql/data/pgdata' },
        ],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        // Over TCP: while the image initializes the database, it listens on its socket only.
        readinessProbe: {
          exec: { command: ['pg_isready', '-q', '-h', '127.0.0.1', '-U', 'postgres'] },
          periodSeconds: 1,
        },
        volumeMounts: [
          { name: 'data', mountPath: '/var/lib/postgresql/data' },
          { name: 'run', mountPath: '/var/run/postgresql' },
          { name: 'tls', mountPath: tlsFolder, readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'run', emptyDir: {} },
      // PostgreSQL refuses a key that others can read.
      { name: 'tls', secret: { secretName: 'external-postgres', defaultMode: 0o400 } },
    ],
  },
});

/** It is deleted with its namespace. */
export const startExternalPostgres = async (namespace: string): Promise<ExternalPostgres> => {
  const host = 'external-postgres';
  const { certificate, key } = await makeCertificate(host);
  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: host, namespace },
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': certificate, 'tls.key': key },
  });
  await apply(podOf(namespace));
  await apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: host, namespace },
    spec: { selector: { app: host }, ports: [{ port: 5432 }] },
  });
  await kubectl(['wait', '-n', namespace, '--for=condition=Ready', `pod/${host}`, '--timeout=90s']);
  return {
    host,
    certificate,
    asDba: (sql, database = 'postgres') =>
      kubectl(
        [
          'exec',
          '-i',
          '-n',
          namespace,
          host,
          '--',
          'psql',
          '-qAtX',
          '-v',
          'ON_ERROR_STOP=1',
        ].concat(['-h', '127.0.0.1', '-U', 'postgres', '-d', database]),
        sql,
      ),
  };
};
