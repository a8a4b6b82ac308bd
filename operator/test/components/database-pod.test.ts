import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import { installed } from '../../testing/installed-cluster.ts';

/**
 * The pod of the database is replaced whenever its template changes, which interrupts every resource of a cluster at
 * once when the operator is upgraded. What a released version made is kept here; a change to it has to be worth that.
 */
const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../golden/database-pod-1.0.0.json'), 'utf8'),
) as Record<string, unknown>;

const specs: Record<string, MovieTicketingSpecInput> = {
  default: {},
  'without TLS': { database: { managed: { tls: { enabled: false } } } },
  'with parameters and labels': {
    database: { managed: { image: 'postgres:17.6', parameters: { shared_buffers: '1GB' } } },
    pods: { labels: { team: 'tickets' }, priorityClassName: 'high' },
  },
};

const templateOf = (spec: MovieTicketingSpecInput): unknown =>
  JSON.parse(
    JSON.stringify(
      (installed(spec).objects.get('StatefulSet/shop-postgres')?.['spec'] as { template: object })
        .template,
    ),
  );

describe('an upgrade of the operator', () => {
  test.each(Object.entries(specs))('restarts no database: %s', (name, spec) => {
    expect(templateOf(spec)).toEqual(golden[name]);
  });

  test('control: another parameter does', () => {
    const parameters = { shared_buffers: '2GB' };
    expect(templateOf({ database: { managed: { parameters } } })).not.toEqual(golden['default']);
  });
});
