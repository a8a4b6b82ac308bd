import { z } from 'zod';

import { rule } from './spec-fields.ts';

const MAX_PARAMETERS = 50;
const NAME_FORM = /^[a-z_][a-z0-9_.]{0,62}$/;
const NAME_MESSAGE = 'must be names of PostgreSQL parameters, for instance shared_buffers';

/**
 * Parameters that a resource cannot set. The operator promises durability (a booking answered with
 * 201 is on disk) and decides where the server listens and where its files are. The include
 * directives could change any of them.
 */
export const reservedParameters: readonly string[] = [
  'fsync',
  'full_page_writes',
  'synchronous_commit',
  'zero_damaged_pages',
  'ignore_checksum_failure',
  'listen_addresses',
  'port',
  'unix_socket_directories',
  'data_directory',
  'config_file',
  'hba_file',
  'ssl',
  'ssl_cert_file',
  'ssl_key_file',
  'ident_file',
  'external_pid_file',
  'include',
  'include_dir',
  'include_if_exists',
];
const RESERVED_MESSAGE = `cannot be set, because the operator sets them or data would be at risk: ${reservedParameters.join(', ')}`;

/** YAML reads `max_connections: 500` as a number, so a whole number is accepted beside a string. */
const value = z
  .union([z.int(), z.string().max(200)])
  .transform(String)
  .meta({ 'x-kubernetes-int-or-string': true, maxLength: 200 });

/** `spec.database.managed.parameters`. */
export const postgresParameters = z
  .record(z.string().regex(NAME_FORM, NAME_MESSAGE), value)
  .refine((parameters) => Object.keys(parameters).length <= MAX_PARAMETERS, 'at most 50')
  .refine(
    (parameters) => !Object.keys(parameters).some((name) => reservedParameters.includes(name)),
    RESERVED_MESSAGE,
  )
  .prefault({})
  .meta({
    description:
      'PostgreSQL parameters, for instance shared_buffers: 1GB. Quote on and off: YAML reads them as booleans.',
    maxProperties: MAX_PARAMETERS,
    'x-kubernetes-validations': [
      rule(`self.all(name, name.matches(r'${NAME_FORM.source}'))`, NAME_MESSAGE),
      rule(
        `!self.exists(name, name in [${reservedParameters.map((name) => `'${name}'`).join(', ')}])`,
        RESERVED_MESSAGE,
      ),
    ],
  });
