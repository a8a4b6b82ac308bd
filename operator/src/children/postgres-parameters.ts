import type { Manifest } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { postgresPort } from './database-connection.ts';
import { manifest } from './manifest.ts';
import { namesOf } from './names.ts';

type Managed = NonNullable<MovieTicketing['spec']['database']['managed']>;

export const parametersMount = '/etc/movie-ticketing';
export const parametersFile = `${parametersMount}/postgresql.conf`;

/**
 * The last word in the file, whatever the resource sets: what was answered with 201 is on disk, and the
 * services find the database where its Service says.
 */
const promised = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  listen_addresses: '*',
  port: String(postgresPort),
};

/** Ten for each of thirty pods, not PostgreSQL's 100: more replicas then need no restart of it. */
const usual = { max_connections: '300' };

/** A string of postgresql.conf: backslashes and quotes mean something there. */
const quoted = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`;

/** The resource's parameters over those that initdb found fit. */
export const postgresConfigMap = (resource: MovieTicketing, managed: Managed): Manifest => {
  const lines = [
    '# Made by the operator from spec.database.managed.parameters.',
    "include_if_exists = '/var/lib/postgresql/data/pgdata/postgresql.conf'",
    ...Object.entries({ ...usual, ...managed.parameters, ...promised })
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name} = ${quoted(value)}`),
  ];
  return manifest(
    resource,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: namesOf(resource).postgres,
      component: 'postgres',
    },
    { data: { 'postgresql.conf': `${lines.join('\n')}\n` } },
  );
};
