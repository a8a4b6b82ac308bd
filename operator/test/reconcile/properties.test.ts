import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { appliedAnnotation } from '../../src/objects/labels.ts';
import { decide } from '../../src/reconcile/decide.ts';
import type { Manifest } from '../../src/objects/manifest.ts';
import type { Observed } from '../../src/steps/observed.ts';
import { reasons } from '../../src/steps/reasons.ts';
import {
  statusSchema,
  type MovieTicketingSpecInput,
} from '../../src/resource/movie-ticketing.schema.ts';
import {
  anySpec,
  referencedObjects,
  hiddenValue,
  specPair,
} from '../../testing/arbitrary-specs.ts';
import { resourceOf, testSettings } from '../../testing/example-resource.ts';
import {
  isEmptyPlan,
  makeSimulatedCluster,
  type SimulatedCluster,
} from '../../testing/simulated-cluster.ts';

const clusterOf = (spec: MovieTicketingSpecInput): SimulatedCluster => {
  const cluster = makeSimulatedCluster(resourceOf(spec));
  for (const object of referencedObjects('cinema')) {
    cluster.others.set(`${object.kind}/${object.metadata.name}`, object);
  }
  return cluster;
};

/**
 * What exists, without what is random or depends on the way: identities, Jobs, contents of Secrets, and the
 * generated administrator, whose Secret is kept like the data.
 */
const outcomeOf = (cluster: SimulatedCluster): Record<string, unknown> => {
  const kept = [...cluster.objects].filter(
    ([key, { kind }]) => kind !== 'Job' && key !== 'Secret/shop-admin',
  );
  return Object.fromEntries(
    kept.map(([key, object]) => {
      const { metadata, status: _, data, ...rest } = object as Manifest & { data: unknown };
      const { annotations, labels, name, ownerReferences } = metadata;
      const {
        [appliedAnnotation]: __,
        'movieticketing.io/renew-after': ___,
        ...others
      } = annotations;
      const text = JSON.stringify({
        ...rest,
        data: object.kind === 'Secret' ? Object.keys(data ?? {}) : data,
        metadata: { name, labels, ownerReferences, annotations: others },
      });
      // The hash of a random password.
      return [key, text.replaceAll(/"movieticketing.io\/[a-z]+-secret":"\w+"/g, '')];
    }),
  );
};

const faults = fc.record({
  component: fc.constantFrom('postgres', 'migrations', 'seed', 'catalog', 'bookings', 'gateway'),
  waits: fc.constantFrom('ErrImagePull', 'CrashLoopBackOff', 'ContainerCreating', ''),
  exitCode: fc.constantFrom(0, 1, 3, 4, 137),
});

describe('the decision', () => {
  test('a changed spec ends in the same state as a fresh installation of it', () => {
    fc.assert(
      fc.property(specPair, fc.nat(25), ([a, b], passes) => {
        const changed = clusterOf(a);
        // However far the first spec got.
        for (let pass = 0; pass < passes; pass += 1) changed.step();
        changed.respec(b);
        changed.run(60);
        const fresh = clusterOf(b);
        fresh.run(60);
        expect(changed.resource.status?.phase).toBe('Running');
        expect(outcomeOf(changed)).toEqual(outcomeOf(fresh));
        expect(isEmptyPlan(changed.step(), changed)).toBe(true);
      }),
      { numRuns: 25 },
    );
  }, 400_000);

  test('any fault that is cured ends in Running; until then nothing is thrown, no Secret is leaked, and the status fits the schema', () => {
    fc.assert(
      fc.property(specPair, faults, ([a, b], { component, waits, exitCode }) => {
        const cluster = clusterOf(a);
        const secret = b.database?.managed === undefined ? hiddenValue : 'database-password-0';
        // Once more at the place where a message is shortened.
        const message = `password ${secret} refused, ${'x'.repeat(565)} ${secret}`;
        if (waits !== '') cluster.waiting.set(component, { reason: waits, message });
        if (exitCode !== 0) cluster.jobFailure.set(component, { exitCode, message });
        cluster.run(10);
        cluster.respec(b);
        cluster.run(10);
        cluster.waiting.clear();
        cluster.jobFailure.clear();
        for (let pass = 0; pass < 4; pass += 1) {
          cluster.tick(400);
          cluster.run(20);
        }
        expect(cluster.resource.status?.phase).toBe('Running');
        for (const { status, events } of cluster.plans) {
          const said = JSON.stringify([status, events]);
          expect(said).not.toContain(secret.slice(0, 12));
          statusSchema.parse(status);
          for (const { reason } of status.conditions ?? []) expect(reasons).toHaveProperty(reason);
        }
      }),
      { numRuns: 25 },
    );
  }, 400_000);

  test('objects that have only a name cause no exception', () => {
    const kinds = [
      'Deployment',
      'StatefulSet',
      'Job',
      'Secret',
      'Service',
      'PersistentVolumeClaim',
    ];
    const names = ['shop-postgres', 'shop-catalog', 'shop-gateway', 'shop-database', 'shop-admin'];
    const objects = fc.array(
      fc.record({
        apiVersion: fc.constant('v1'),
        kind: fc.constantFrom(...kinds, 'Pod'),
        metadata: fc.record({
          name: fc.constantFrom(...names),
          uid: fc.constantFrom('a', 'b'),
          labels: fc.constantFrom({}, { 'app.kubernetes.io/component': 'postgres' }),
        }),
        status: fc.constantFrom(undefined, {}, { conditions: [] }, { containerStatuses: [{}] }),
      }),
    );
    fc.assert(
      fc.property(anySpec, objects, (spec, found) => {
        const observed: Observed = {
          ...clusterOf(spec).observe(),
          owned: new Map(found.map((object) => [`${object.kind}/${object.metadata.name}`, object])),
          pods: found.filter(({ kind }) => kind === 'Pod'),
        };
        expect(() => decide(observed, testSettings)).not.toThrow();
      }),
    );
  }, 300_000);
});
