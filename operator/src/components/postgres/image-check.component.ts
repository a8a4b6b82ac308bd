import { shortHash } from '../../objects/hash.ts';
import { imageIn } from '../../objects/live.ts';
import { keyOfRef } from '../../objects/manifest.ts';
import type { Component, HashedObject } from '../../steps/component.ts';
import { isPodReady, podsOf } from '../../steps/pod-problems.ts';
import type { Context } from '../../steps/step.ts';
import { jobDefaults, jobResources } from '../database-job.ts';
import { isManaged, nameOf } from '../names.ts';
import { containerSecurity, podDefaults, podMetadata, podSecurity } from '../pods.ts';
import { postgresUid } from './postgres.pod.ts';

/** The image of the StatefulSet that exists. */
export const liveImage = ({ observed, resource }: Context): string | undefined =>
  imageIn(
    observed.owned.get(keyOfRef({ kind: 'StatefulSet', name: nameOf(resource, 'postgres') })),
  );

export const isPostgresReady = ({ observed }: Context): boolean =>
  podsOf(observed, 'postgres').some(isPodReady);

/** Annotations of the volume: which PostgreSQL its data belong to, and the image that said so. */
const imageAnnotation = 'movieticketing.io/postgres-image';
const versionAnnotation = 'movieticketing.io/postgres-version';

export type CheckedImage = { image?: string; version?: string };

export const recordedImage = ({ observed, resource }: Context): CheckedImage => {
  const key = keyOfRef({ kind: 'PersistentVolumeClaim', name: nameOf(resource, 'postgres') });
  const annotations = observed.owned.get(key)?.metadata.annotations ?? {};
  const { [imageAnnotation]: image, [versionAnnotation]: version } = annotations;
  return image === undefined || version === undefined ? {} : { image, version };
};

export const annotationsFor = ({ image, version }: CheckedImage): Record<string, string> =>
  image === undefined || version === undefined
    ? {}
    : { [imageAnnotation]: image, [versionAnnotation]: version };

/**
 * The image to check: the requested one. But first the running one, where the version of the data was
 * never recorded.
 */
export const imageToCheck = (context: Context): string => {
  const requested = context.resource.spec.database.managed?.image ?? '';
  const running = liveImage(context);
  return recordedImage(context).version === undefined && isPostgresReady(context)
    ? (running ?? requested)
    : requested;
};

/** Pulls the image and prints its version, beside the pod that serves. */
export const imageCheckJob: HashedObject = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  component: 'postgres-check',
  hashedName: (context) =>
    `${nameOf(context.resource, 'postgres-check')}-${shortHash(imageToCheck(context))}`,
  body: (context) => ({
    spec: {
      ...jobDefaults,
      template: {
        metadata: podMetadata(context.resource, 'postgres-check'),
        spec: podSpec(context),
      },
    },
  }),
};

const podSpec = (context: Context) => {
  const { resource } = context;
  return {
    ...podDefaults(resource, 'postgres-check'),
    restartPolicy: 'Never',
    securityContext: podSecurity(postgresUid),
    containers: [
      {
        name: 'postgres-check',
        image: imageToCheck(context),
        imagePullPolicy: resource.spec.images.pullPolicy,
        command: ['sh', '-c', 'exec postgres --version >/dev/termination-log'],
        resources: jobResources(resource),
        securityContext: containerSecurity,
        terminationMessagePolicy: 'FallbackToLogsOnError',
      },
    ],
  };
};

export const postgresCheck: Component = {
  name: 'postgres-check',
  when: isManaged,
  owns: [imageCheckJob],
  connectsTo: () => [],
};
