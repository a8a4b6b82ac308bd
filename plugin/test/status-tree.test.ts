import { expect, test } from '@jest/globals';

import type { Live } from '../src/kubectl.ts';
import { render, statusTree } from '../src/status-tree.ts';

const labelled = (component: string): Record<string, string> => ({
  'app.kubernetes.io/component': component,
});

const resource: Live = {
  kind: 'MovieTicketing',
  metadata: { name: 'cinema', namespace: 'tickets' },
  status: {
    phase: 'Degraded',
    version: '1.0.0',
    url: 'http://10.0.0.1:30080',
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'ImagePullFailed',
        message: 'The image is missing.',
      },
      { type: 'Available', status: 'True', reason: 'Serving', message: 'Tickets can be booked.' },
      { type: 'Degraded', status: 'False', reason: 'NoProblem', message: 'No problem.' },
      { type: 'DatabaseReady', status: 'True' },
      {
        type: 'ServicesReady',
        status: 'False',
        reason: 'ImagePullFailed',
        message: 'See the pod.',
      },
      { type: 'BackupHealthy', status: 'Unknown', reason: 'BackupPending', message: 'None yet.' },
    ],
  },
};

const objects: Live[] = [
  {
    kind: 'StatefulSet',
    metadata: { name: 'cinema-postgres', labels: labelled('postgres') },
    spec: { replicas: 1 },
    status: { readyReplicas: 1 },
  },
  {
    kind: 'Deployment',
    metadata: { name: 'cinema-users', labels: labelled('users') },
    spec: { replicas: 2 },
    status: { readyReplicas: 1 },
  },
  {
    kind: 'Pod',
    metadata: { name: 'cinema-users-1', labels: labelled('users') },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  },
  {
    kind: 'Pod',
    metadata: { name: 'cinema-users-2', labels: labelled('users') },
    status: {
      phase: 'Pending',
      containerStatuses: [
        {
          name: 'users',
          restartCount: 3,
          state: { waiting: { reason: 'ErrImagePull', message: 'not found' } },
        },
      ],
    },
  },
  {
    kind: 'Pod',
    metadata: { name: 'cinema-backup-1', labels: labelled('backup') },
    status: {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', message: 'no node has the volume' }],
    },
  },
];

test('the tree shows conditions with their causes, and below them only what is not well', () => {
  expect(render(statusTree(resource, objects))).toBe(
    `tickets/cinema  Degraded  1.0.0  http://10.0.0.1:30080
├─ ✗ Ready=False  ImagePullFailed: The image is missing.
├─ ✓ Available=True
├─ ✓ Degraded=False
├─ ✓ DatabaseReady=True
│  └─ StatefulSet cinema-postgres  1/1 ready
├─ ✗ ServicesReady=False  ImagePullFailed: See the pod.
│  └─ Deployment cinema-users  1/2 ready
│     └─ Pod cinema-users-2  Pending, ErrImagePull: not found, 3 restarts
└─ ? BackupHealthy=Unknown  BackupPending: None yet.
   └─ Pod cinema-backup-1  Pending, no node has the volume`,
  );
});

test('a resource that no operator has seen has a tree, too', () => {
  const { status: _, ...unseen } = resource;
  expect(render(statusTree(unseen, []))).toBe('tickets/cinema  Pending');
});
