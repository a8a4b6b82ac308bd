import { describe, expect, test } from '@jest/globals';

import type { KubeObject } from '../../src/runtime/kube-object.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import { resourceOf, userObject } from '../../testing/example-resource.ts';
import { conditionOf } from '../../testing/installed-cluster.ts';
import { makeSimulatedCluster, type SimulatedCluster } from '../../testing/simulated-cluster.ts';

const claim = { persistentVolumeClaim: { claimName: 'backups' } };
const bucket = {
  s3: {
    bucket: 'tickets',
    endpoint: 'http://s3.example.com:9000',
    credentialsSecretRef: { name: 'key' },
  },
};

const clusterWith = (spec: MovieTicketingSpecInput): SimulatedCluster => {
  const cluster = makeSimulatedCluster(resourceOf(spec));
  cluster.run();
  return cluster;
};

const report = (id: string): string =>
  JSON.stringify({ stored: { id, takenAt: '2026-03-01T03:30:00Z', bytes: 1_000, rows: 10 } });

/** A pod of a Job of the CronJob, as the kubelet leaves it. */
const endedPod = (
  component: 'backup' | 'verify',
  options: { at: string; message: string; failed?: 'dump' | 'store' },
): KubeObject => {
  const ended = (exitCode: number, message = '') => ({
    state: { terminated: { exitCode, message, finishedAt: options.at } },
  });
  const isFailed = options.failed !== undefined;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `shop-${component}-${options.at}`,
      namespace: 'cinema',
      labels: {
        'movieticketing.io/resource': 'shop',
        'app.kubernetes.io/component': component,
      },
    },
    status: {
      phase: isFailed ? 'Failed' : 'Succeeded',
      initContainerStatuses: [options.failed === 'dump' ? ended(1, options.message) : ended(0)],
      containerStatuses:
        options.failed === 'dump' ? [] : [ended(isFailed ? 1 : 0, options.message)],
    },
  };
};

const conditionsOf = (cluster: SimulatedCluster): Record<string, string> => ({
  backup: conditionOf(cluster, 'BackupHealthy'),
  verification: conditionOf(cluster, 'RestoreVerified'),
  ready: conditionOf(cluster, 'Ready'),
});

describe('spec.backup', () => {
  test('makes two CronJobs, and shows no conditions where it is unset', () => {
    const without = clusterWith({});
    expect(without.condition('BackupHealthy')).toBeUndefined();
    const cluster = clusterWith({ backup: { storage: claim, schedule: '15 2 * * *' } });
    const cron: any = cluster.objects.get('CronJob/shop-backup');
    expect(cron.spec).toMatchObject({ schedule: '15 2 * * *', timeZone: 'Etc/UTC' });
    expect(cluster.objects.has('CronJob/shop-verify')).toBe(true);
    expect(conditionsOf(cluster)).toEqual({
      backup: 'Unknown BackupPending',
      verification: 'Unknown NotVerified',
      ready: 'True Serving',
    });
  });

  test('is told from the pods, and remembered when they are gone', () => {
    const cluster = clusterWith({ backup: { storage: claim } });
    const stored = endedPod('backup', { at: '2026-03-01T03:31:00Z', message: report('a') });
    const verified = endedPod('verify', {
      at: '2026-03-01T04:31:00Z',
      message: report('a').replace('stored', 'verified'),
    });
    cluster.addPods([stored, verified]);
    cluster.run();
    const expected = {
      backup: 'True BackupStored',
      verification: 'True Verified',
      ready: 'True Serving',
    };
    expect(conditionsOf(cluster)).toEqual(expected);
    cluster.addPods([]);
    cluster.run();
    expect(conditionsOf(cluster)).toEqual(expected);
    expect(cluster.resource.status?.backup).toEqual({
      lastSuccess: '2026-03-01T03:31:00Z',
      recoveryPoint: '2026-03-01T03:30:00Z',
      last: 'a',
      size: 1_000,
      rows: 10,
      lastVerified: '2026-03-01T04:31:00Z',
      verified: 'a',
    });
  });

  test.each(['dump', 'store'] as const)(
    'a failure of the container %s is a problem with its message until a backup succeeds',
    (failed) => {
      const cluster = clusterWith({ backup: { storage: claim } });
      const failure = (at: string) => endedPod('backup', { at, message: 'AccessDenied', failed });
      cluster.addPods([failure('2026-03-01T03:31:00Z')]);
      cluster.run();
      cluster.addPods([failure('2026-03-02T03:31:00Z')]);
      cluster.run();
      expect(cluster.condition('BackupHealthy')).toMatchObject({
        status: 'False',
        reason: 'BackupFailed',
        message: expect.stringMatching(
          /has failed since 2026-03-01T03:31:00Z: AccessDenied There is no backup yet/,
        ),
      });
      expect(conditionOf(cluster, 'Available')).toBe('True Serving');
      cluster.addPods([endedPod('backup', { at: '2026-03-03T03:31:00Z', message: report('b') })]);
      cluster.run();
      expect(conditionOf(cluster, 'BackupHealthy')).toBe('True BackupStored');
      expect(cluster.resource.status?.backup?.failure).toBeUndefined();
    },
  );

  test('a backup that was due and does not end is a problem after an hour', () => {
    const cluster = clusterWith({ backup: { storage: claim } });
    const cron = cluster.objects.get('CronJob/shop-backup')!;
    cron['status'] = { lastScheduleTime: cluster.observe().now.toISOString() };
    cluster.run();
    expect(conditionOf(cluster, 'BackupHealthy')).toBe('Unknown BackupPending');
    cluster.tick(3_700);
    cluster.run();
    expect(conditionOf(cluster, 'BackupHealthy')).toBe('False BackupLate');
  });

  test('a missing key of the bucket is said before a pod fails for it', () => {
    const cluster = clusterWith({ backup: { storage: bucket } });
    expect(conditionOf(cluster, 'BackupHealthy')).toBe('False SecretMissing');
    const key = { 'access-key-id': 'a', 'secret-access-key': 'b' };
    cluster.others.set('Secret/key', userObject('Secret', 'key', key));
    cluster.run();
    expect(conditionOf(cluster, 'BackupHealthy')).toBe('Unknown BackupPending');
    const policy: any = cluster.objects.get('NetworkPolicy/shop-backup');
    expect(policy.spec.egress.map(({ ports }: any) => ports[0].port)).toEqual([5_432, 9_000]);
  });
});

test('the conditions go with spec.backup', () => {
  const cluster = clusterWith({ backup: { storage: claim } });
  expect(cluster.condition('BackupHealthy')).toBeDefined();
  cluster.respec({});
  cluster.run();
  expect(cluster.condition('BackupHealthy')).toBeUndefined();
  expect(cluster.condition('RestoreVerified')).toBeUndefined();
  expect(cluster.objects.has('CronJob/shop-backup')).toBe(false);
});

describe('spec.restoreFrom', () => {
  const spec: MovieTicketingSpecInput = { restoreFrom: { storage: claim } };

  test('fills a new database before the migrations, and new signing keys replace the restored ones', () => {
    const cluster = makeSimulatedCluster(resourceOf(spec));
    cluster.jobMessage.set(
      'restore',
      JSON.stringify({ id: '20260301T033000Z', takenAt: '2026-03-01T03:30:00.000Z' }),
    );
    const order: string[] = [];
    for (let step = 0; step < 25; step += 1) {
      for (const { kind, metadata } of cluster.step().apply)
        if (kind === 'Job') order.push(metadata.name.replace(/-[\da-f]{10}$/, ''));
    }
    expect(order.filter((name) => !name.includes('check'))).toEqual([
      'shop-restore',
      'shop-migrate',
    ]);
    expect(cluster.resource.status?.restored).toMatchObject({
      backup: '20260301T033000Z',
      recoveryPoint: '2026-03-01T03:30:00Z',
    });
    const settings = cluster.objects.get('ConfigMap/shop-users')?.['data'] as object;
    expect(settings).toMatchObject({
      JWT_REPLACE_KEYS_BEFORE: '2026-03-01T00:00:02Z',
    });
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('a failure is a problem, and nothing is migrated', () => {
    const cluster = makeSimulatedCluster(resourceOf(spec));
    cluster.jobFailure.set('restore', { exitCode: 1, message: 'NoSuchBucket' });
    cluster.run();
    expect(conditionOf(cluster, 'Degraded')).toBe('True RestoreFailed');
    expect([...cluster.objects.keys()].some((key) => key.startsWith('Job/shop-migrate'))).toBe(
      false,
    );
    cluster.jobFailure.clear();
    cluster.tick(600);
    for (let step = 0; step < 25; step += 1) cluster.step();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('is ignored once the system is installed', () => {
    const cluster = clusterWith({});
    cluster.respec(spec);
    cluster.run();
    expect([...cluster.objects.keys()].some((key) => key.includes('restore-'))).toBe(false);
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });
});

describe('spec.backup.beforeMigrations', () => {
  const spec = (version: string, beforeMigrations = true) => ({
    version,
    backup: { storage: claim, beforeMigrations },
  });

  /** The Jobs in the order in which they were created, without their hashes. */
  const jobsOf = ({ plans }: SimulatedCluster): string[] =>
    plans
      .flatMap(({ apply }) => apply)
      .filter(({ kind }) => kind === 'Job')
      .map(({ metadata }) => metadata.name.replace(/-[\da-f]{10}$/, ''));

  test('makes a backup before the migrations of another version, and of no other', () => {
    const cluster = clusterWith(spec('1.0.0'));
    expect(jobsOf(cluster)).not.toContain('shop-backup');
    cluster.plans.length = 0;
    cluster.respec(spec('1.1.0'));
    cluster.run();
    expect(jobsOf(cluster)).toEqual(['shop-backup', 'shop-migrate']);
    expect(cluster.resource.status?.version).toBe('1.1.0');
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    cluster.plans.length = 0;
    cluster.respec({ ...spec('1.1.0'), bookings: { holdMinutes: 5 } });
    cluster.run();
    expect(jobsOf(cluster)).toEqual([]);
  });

  test('makes none where it is not asked for', () => {
    const cluster = clusterWith(spec('1.0.0', false));
    cluster.plans.length = 0;
    cluster.respec(spec('1.1.0', false));
    cluster.run();
    expect(jobsOf(cluster)).toEqual(['shop-migrate']);
  });

  test('that fails keeps the migrations waiting and the version running, until it succeeds', () => {
    const cluster = clusterWith(spec('1.0.0'));
    cluster.plans.length = 0;
    cluster.jobFailure.set('backup', { exitCode: 1, message: 'AccessDenied' });
    cluster.respec(spec('1.1.0'));
    cluster.run(10);
    expect(cluster.condition('MigrationsApplied')).toMatchObject({
      reason: 'BackupFailed',
      message: expect.stringMatching(/1\.0\.0 keeps running.*AccessDenied/),
    });
    expect(jobsOf(cluster)).not.toContain('shop-migrate');
    expect(conditionOf(cluster, 'Available')).toBe('True Serving');
    cluster.jobFailure.clear();
    cluster.tick(400);
    cluster.run();
    expect(cluster.resource.status?.version).toBe('1.1.0');
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });
});
