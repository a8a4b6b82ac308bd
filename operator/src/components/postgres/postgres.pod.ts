import { shortHash } from '../../objects/hash.ts';
import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import { databaseName, databaseUser, fromSecret, tlsSecretName } from '../database-connection.ts';
import { databaseSecretName, hasOwnTls, nameOf } from '../names.ts';
import {
  containerSecurity,
  podDefaults,
  podMetadata,
  podSecurity,
  resourcesOf,
  temporaryMount,
  temporaryVolume,
} from '../pods.ts';
import { postgresPort } from '../ports.ts';
import {
  certificateMount,
  parametersConfig,
  parametersFile,
  parametersMount,
} from './postgres-parameters.ts';

/** The user "postgres" of the official Debian image. */
export const postgresUid = 999;
const dataMount = '/var/lib/postgresql/data';
/** Below the mount, whose root may hold files that initdb refuses (lost+found). */
const dataFolder = `${dataMount}/pgdata`;

/** As in compose.yaml: the same locale whatever the image's. */
const initdbArguments =
  '--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 --data-checksums';

export const podTemplate = (resource: MovieTicketing, image: string | undefined) => {
  const name = nameOf(resource, 'postgres');
  return {
    metadata: podMetadata(resource, 'postgres', {
      'movieticketing.io/config': shortHash(parametersConfig(resource)),
    }),
    spec: {
      ...podDefaults(resource, 'postgres'),
      securityContext: {
        ...podSecurity(postgresUid),
        fsGroup: postgresUid,
        fsGroupChangePolicy: 'OnRootMismatch',
      },
      // Time for the shutdown checkpoint: without it the next start has to recover for as long.
      terminationGracePeriodSeconds: 60,
      containers: [
        container(resource, image),
        ...(hasOwnTls(resource) ? [certificateLoader(resource, image)] : []),
      ],
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: name } },
        { name: 'parameters', configMap: { name } },
        { name: 'run', emptyDir: {} },
        { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '128Mi' } },
        temporaryVolume,
        ...(hasOwnTls(resource) ? [certificateVolume(resource)] : []),
      ],
    },
  };
};

const container = (resource: MovieTicketing, image: string | undefined) => ({
  name: 'postgres',
  image,
  imagePullPolicy: resource.spec.images.pullPolicy,
  args: ['postgres', '-c', `config_file=${parametersFile}`],
  ports: [{ name: 'postgres', containerPort: postgresPort, protocol: 'TCP' }],
  env: [
    { name: 'PGDATA', value: dataFolder },
    { name: 'POSTGRES_USER', value: databaseUser },
    { name: 'POSTGRES_DB', value: databaseName },
    { name: 'POSTGRES_INITDB_ARGS', value: initdbArguments },
    fromSecret('POSTGRES_PASSWORD', databaseSecretName(resource), 'password'),
  ],
  // A start after a crash replays the write-ahead log, in the worst case for minutes.
  startupProbe: { ...acceptsConnections, periodSeconds: 1, failureThreshold: 600 },
  readinessProbe: { ...acceptsConnections, periodSeconds: 5, failureThreshold: 2 },
  livenessProbe: { ...acceptsConnections, periodSeconds: 10, failureThreshold: 6 },
  lifecycle: {
    // A fast shutdown. SIGTERM alone would wait until every client has disconnected.
    preStop: { exec: { command: ['pg_ctl', 'stop', '-D', dataFolder, '-m', 'fast', '-W'] } },
  },
  resources: resourcesOf(
    { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } },
    resource.spec.database.managed?.resources,
  ),
  securityContext: containerSecurity,
  terminationMessagePolicy: 'FallbackToLogsOnError',
  volumeMounts: [
    { name: 'data', mountPath: dataMount },
    { name: 'parameters', mountPath: parametersMount, readOnly: true },
    { name: 'run', mountPath: '/var/run/postgresql' },
    { name: 'shm', mountPath: '/dev/shm' },
    temporaryMount,
    ...(hasOwnTls(resource) ? [certificateVolumeMount] : []),
  ],
});

/** PostgreSQL accepts a key file of root that its group may read. The authority's key stays outside. */
const certificateVolume = (resource: MovieTicketing) => ({
  name: 'certificate',
  secret: {
    secretName: tlsSecretName(resource),
    defaultMode: 0o440,
    items: ['tls.crt', 'tls.key'].map((key) => ({ key, path: key })),
  },
});

const certificateVolumeMount = {
  name: 'certificate',
  mountPath: certificateMount,
  readOnly: true,
};

/** The kubelet renews the files of a mounted Secret; PostgreSQL reads them again when it is told to. */
const loadCertificate = `
trap 'exit 0' TERM INT
loaded=
while true; do
  present=$(cksum ${certificateMount}/tls.crt)
  if [ "$present" != "$loaded" ] &&
    psql --host=/var/run/postgresql --username=${databaseUser} --dbname=postgres -qtAX \
      --command='SELECT pg_reload_conf()' >/dev/null; then
    echo "PostgreSQL has loaded the certificate: $present"
    loaded=$present
  fi
  sleep 5 & wait $!
done
`;

const certificateLoader = (resource: MovieTicketing, image: string | undefined) => ({
  name: 'certificate-loader',
  image,
  imagePullPolicy: resource.spec.images.pullPolicy,
  command: ['bash', '-c', loadCertificate],
  resources: resourcesOf(
    { requests: { cpu: '5m', memory: '16Mi' }, limits: { memory: '64Mi' } },
    resource.spec.database.managed?.tls.resources,
  ),
  securityContext: containerSecurity,
  terminationMessagePolicy: 'FallbackToLogsOnError',
  volumeMounts: [{ name: 'run', mountPath: '/var/run/postgresql' }, certificateVolumeMount],
});

/** Over TCP: while the image prepares the database it listens on its socket only. */
const acceptsConnections = {
  exec: {
    command: ['pg_isready', '-q', '-h', 'localhost', '-U', databaseUser, '-d', databaseName],
  },
  timeoutSeconds: 5,
};
