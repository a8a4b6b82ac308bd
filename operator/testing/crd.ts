import { ApiextensionsV1Api, CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';

import { group, makeCustomResourceDefinition, plural, version } from '../src/resource/crd.ts';
import type { MovieTicketing } from '../src/resource/movie-ticketing.schema.ts';

/** Installs the CustomResourceDefinition and waits until it is served. */
export const installCrd = async (config: KubeConfig): Promise<void> => {
  // Without the client's types: its models drop fields that they lack.
  const extensions = config.makeApiClient(ApiextensionsV1Api);
  const definition = makeCustomResourceDefinition();
  const objects = config.makeApiClient(CustomObjectsApi);
  await objects
    .createClusterCustomObject({
      group: 'apiextensions.k8s.io',
      version: 'v1',
      plural: 'customresourcedefinitions',
      body: definition,
      fieldValidation: 'Strict',
    })
    .catch((error: unknown) => {
      if ((error as { code?: number }).code !== 409) throw error;
    });
  for (;;) {
    const { status } = await extensions.readCustomResourceDefinition({
      name: definition.metadata.name,
    });
    const established = status?.conditions?.find(({ type }) => type === 'Established');
    if (established?.status === 'True') break;
    await delay(20);
  }
  // Established a moment before it is served.
  const served = (): Promise<unknown> =>
    objects.listClusterCustomObject({ group, version, plural, limit: 1 });
  for (let tries = 0; tries < 250; tries += 1) {
    if ((await served().catch(() => undefined)) !== undefined) return;
    await delay(20);
  }
  throw new Error('the CustomResourceDefinition is established but not served');
};

export type Answer = { resource: MovieTicketing } | { refusal: string };

const answer = (call: Promise<unknown>): Promise<Answer> =>
  call.then(
    (resource) => ({ resource: resource as MovieTicketing }),
    (error: unknown) => {
      const { body, code } = error as { body?: unknown; code?: number };
      if (code !== 422 && code !== 400) throw error;
      const { message } = (typeof body === 'string' ? JSON.parse(body) : body) as {
        message: string;
      };
      return { refusal: message };
    },
  );

/** MovieTicketing resources of one namespace. Unknown fields are refused, as kubectl does. */
export const makeMovieTicketings = (config: KubeConfig, namespace: string) => {
  const objects = config.makeApiClient(CustomObjectsApi);
  const at = { group, version, namespace, plural, fieldValidation: 'Strict' };
  const body = (name: string, spec: unknown, metadata: object = {}) => ({
    apiVersion: `${group}/${version}`,
    kind: 'MovieTicketing',
    metadata: { name, ...metadata },
    ...(spec === undefined ? {} : { spec }),
  });
  return {
    /** The answer of the API server in a dry run: nothing is stored. */
    try: (spec: unknown, name = 'cinema') =>
      answer(
        objects.createNamespacedCustomObject({ ...at, body: body(name, spec), dryRun: 'All' }),
      ),
    create: (name: string, spec: unknown) =>
      answer(objects.createNamespacedCustomObject({ ...at, body: body(name, spec) })),
    read: async (name: string) =>
      (await objects.getNamespacedCustomObject({ ...at, name })) as MovieTicketing,
    replace: (resource: MovieTicketing, spec: unknown) =>
      answer(
        objects.replaceNamespacedCustomObject({
          ...at,
          name: resource.metadata.name,
          body: body(resource.metadata.name, spec, {
            resourceVersion: resource.metadata.resourceVersion,
          }),
        }),
      ),
    replaceStatus: (resource: MovieTicketing, status: unknown) =>
      answer(
        objects.replaceNamespacedCustomObjectStatus({
          ...at,
          name: resource.metadata.name,
          body: { ...resource, status },
        }),
      ),
  };
};
