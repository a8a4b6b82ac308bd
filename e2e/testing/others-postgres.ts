import { apply, kubectl } from './kubectl.ts';

/** A PostgreSQL that somebody else runs and no operator knows of. */
export type OthersPostgres = {
  host: string;
  /** As its DBA, a superuser; what it printed, without headers. */
  asDba: (sql: string, database?: string) => Promise<string>;
};

const postgresUid = 999;

const podOf = (namespace: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'others-postgres', namespace, labels: { app: 'others-postgres' } },
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
        env: [
          { name: 'POSTGRES_PASSWORD', value: 'of-the-dba' },
          { name: 'PGDATA', value: '/var/lib/postgresql/data/pgdata' },
        ],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        // Over TCP: while the image prepares the database it listens on its socket alone.
        readinessProbe: {
          exec: { command: ['pg_isready', '-q', '-h', '127.0.0.1', '-U', 'postgres'] },
          periodSeconds: 1,
        },
        volumeMounts: [
          { name: 'data', mountPath: '/var/lib/postgresql/data' },
          { name: 'run', mountPath: '/var/run/postgresql' },
        ],
      },
    ],
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'run', emptyDir: {} },
    ],
  },
});

/** Goes with its namespace. */
export const startOthersPostgres = async (namespace: string): Promise<OthersPostgres> => {
  const host = 'others-postgres';
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
