import { describe, expect, test } from '@jest/globals';

import { isAsApplied } from '../../src/objects/drift.ts';
import type { KubeObject } from '../../src/runtime/kube-object.ts';
import type { Manifest } from '../../src/objects/manifest.ts';
import { installed } from '../../testing/installed-cluster.ts';

const { objects } = installed();
const { status: _, ...deployment } = objects.get('Deployment/shop-gateway') as Manifest;
const service = objects.get('Service/shop-gateway') as Manifest;
const policy = objects.get('NetworkPolicy/shop-gateway') as Manifest;

const edited = (manifest: Manifest, edit: (live: any) => void): KubeObject => {
  const live = structuredClone(manifest) as KubeObject;
  edit(live);
  return live;
};
const container = (live: any): any => live.spec.template.spec.containers[0];

describe('isAsApplied', () => {
  test.each<[string, (live: any) => void]>([
    ['the server filled in defaults', (live) => (live.spec.template.spec.dnsPolicy = 'x')],
    [
      'a sidecar container was injected',
      (live) => live.spec.template.spec.containers.unshift({ name: 'x' }),
    ],
    ['a variable was injected', (live) => container(live).env.unshift({ name: 'X', value: '1' })],
    ['others added a label', (live) => (live.metadata.labels['theirs'] = 'x')],
    [
      'a quantity has another notation',
      (live) => (container(live).resources.requests.cpu = '0.05'),
    ],
    ['the object has a status', (live) => (live.status = { replicas: 1 })],
  ])('is true if %s', (_, edit) => {
    expect(isAsApplied(deployment, edited(deployment, edit))).toBe(true);
  });

  test.each<[string, (live: any) => void]>([
    ['replicas were edited', (live) => (live.spec.replicas = 7)],
    ['a label was removed', (live) => delete live.metadata.labels['movieticketing.io/resource']],
    ['its owner was removed', (live) => delete live.metadata.ownerReferences],
    ['a variable was edited', (live) => (container(live).env[0].value = 'elsewhere:1')],
    ['a variable was removed', (live) => container(live).env.shift()],
    ['a quantity was changed', (live) => (container(live).resources.limits.memory = '1Gi')],
    ['the container was removed', (live) => live.spec.template.spec.containers.pop()],
    ['a probe was removed', (live) => delete container(live).livenessProbe],
    [
      'a capability was added back',
      (live) => container(live).securityContext.capabilities.drop.pop(),
    ],
    ['the hash differs', (live) => (live.metadata.annotations['movieticketing.io/applied'] = 'x')],
    ['the annotations were removed', (live) => delete live.metadata.annotations],
  ])('is false if %s', (_, edit) => {
    expect(isAsApplied(deployment, edited(deployment, edit))).toBe(false);
  });

  test('a Service may have ports of others, and ours must not change', () => {
    const more = edited(service, (live) => live.spec.ports.push({ port: 9, protocol: 'TCP' }));
    expect(isAsApplied(service, more)).toBe(true);
    const other = edited(service, (live) => (live.spec.ports[0].nodePort = 31_000));
    expect(isAsApplied(service, other)).toBe(false);
  });

  test('an added rule of a NetworkPolicy is drift', () => {
    const opened = edited(policy, (live) => live.spec.egress.push({}));
    expect(isAsApplied(policy, opened)).toBe(false);
    expect(
      isAsApplied(
        policy,
        edited(policy, () => undefined),
      ),
    ).toBe(true);
  });
});
