import { describe, expect, test } from '@jest/globals';

import { parametersConfig } from '../../src/components/postgres/postgres-parameters.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import { reservedParameters } from '../../src/resource/postgres-parameters.schema.ts';
import { reservedVariables } from '../../src/resource/services.schema.ts';
import { resourceOf, userObject } from '../../testing/example-resource.ts';
import { makeSimulatedCluster } from '../../testing/simulated-cluster.ts';

const parametersOf = (parameters: Record<string, string>): Map<string, string> => {
  const resource = resourceOf({ database: { managed: { parameters } } });
  const file = parametersConfig(resource)['postgresql.conf'] ?? '';
  return new Map(
    [...file.matchAll(/^(\w+) = '(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
};

describe('PostgreSQL parameters', () => {
  test('a resource can set every parameter that is not reserved', () => {
    const generated = [...parametersOf({}).keys()];
    const open = generated.filter((name) => !reservedParameters.includes(name));
    expect(open.length).toBeGreaterThan(0);
    const set = parametersOf(Object.fromEntries(open.map((name) => [name, 'changed'])));
    expect(open.filter((name) => set.get(name) !== 'changed')).toEqual([]);
    // Control: the reserved ones are among those that the operator writes.
    expect(generated.filter((name) => reservedParameters.includes(name))).toContain('fsync');
  });
});

describe('environment variables', () => {
  const external: MovieTicketingSpecInput = {
    database: {
      external: {
        host: 'db',
        sslMode: 'verify-full',
        sslRootCert: { configMapKeyRef: { name: 'authority', key: 'ca.crt' } },
        credentialsSecretRef: { name: 'login' },
      },
    },
    gateway: { corsOrigins: ['https://example.com'] },
  };

  const variablesOf = (spec: MovieTicketingSpecInput, service: string): string[] => {
    const cluster = makeSimulatedCluster(resourceOf(spec));
    const login = userObject('Secret', 'login', { username: 'a', password: 'b' });
    cluster.others.set('Secret/login', login);
    const authority = userObject('ConfigMap', 'authority', { 'ca.crt': 'certificate' });
    cluster.others.set('ConfigMap/authority', authority);
    cluster.run();
    const deployment: any = cluster.objects.get(`Deployment/shop-${service}`);
    return deployment.spec.template.spec.containers[0].env.map(
      ({ name }: { name: string }) => name,
    );
  };

  test.each(['catalog', 'users', 'bookings'])(
    'every variable that the operator sets on %s is reserved',
    (service) => {
      for (const spec of [{}, external]) {
        const names = variablesOf(spec, service);
        expect(names).toContain('DB_HOST');
        expect(names.filter((name) => !reservedVariables.includes(name))).toEqual([]);
      }
    },
  );
});
