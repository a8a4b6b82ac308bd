import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from '@movie-ticketing/kit/metrics';
import { parseAllDocuments } from 'yaml';

import { fieldOwner } from '../src/objects/settings.ts';
import type { MovieTicketing } from '../src/resource/movie-ticketing.schema.ts';
import { makeKubeClient, type KubeClient } from '../src/runtime/client.ts';
import { hasReason } from '../src/runtime/kube-error.ts';
import type { KubeObject } from '../src/runtime/kube-object.ts';
import type { ApiServer } from './api-server.ts';

const root = join(import.meta.dirname, '../..');

/** The documents of one of the repository's YAML files. */
export const documentsOf = (file: string): KubeObject[] =>
  parseAllDocuments(readFileSync(join(root, file), 'utf8')).map(
    (document) => document.toJS() as KubeObject,
  );

export const operatorAccount = {
  namespace: 'movie-ticketing-system',
  name: 'movie-ticketing-operator',
};

const createIfAbsent = async (client: KubeClient, object: KubeObject): Promise<void> => {
  try {
    await client.create(object);
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error;
  }
};

/** A client of the administrator's, under a name of its own. */
export const administrator = async (api: ApiServer, fieldManager = 'test'): Promise<KubeClient> =>
  makeKubeClient({
    kubeConfig: await api.makeClientConfig(),
    fieldManager,
    registry: new Registry(),
  });

/** The operator's own client, with the rights of k8s/base and none else. */
export const operatorClient = async (api: ApiServer): Promise<KubeClient> =>
  makeKubeClient({
    kubeConfig: await api.makeClientConfig({ serviceAccount: operatorAccount }),
    fieldManager: fieldOwner,
    registry: new Registry(),
  });

/** What k8s/base installs of the operator, without its pods: CRD, namespace, rights. */
export const installBase = async (client: KubeClient): Promise<void> => {
  for (const object of [
    ...documentsOf('crds/movieticketings.movieticketing.io.yaml'),
    ...documentsOf('k8s/base/namespace.yaml'),
    ...documentsOf('k8s/base/cluster-role.yaml'),
    ...documentsOf('k8s/base/role.yaml').map((found) => ({
      ...found,
      metadata: { ...found.metadata, namespace: operatorAccount.namespace },
    })),
  ])
    await createIfAbsent(client, object);
};

/** Makes a MovieTicketing resource; retried while the API server does not serve its kind yet. */
export const makeResource = async (
  client: KubeClient,
  namespace: string,
  spec: object = {},
  name = 'shop',
): Promise<MovieTicketing> => {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return (await client.create({
        apiVersion: 'movieticketing.io/v1',
        kind: 'MovieTicketing',
        metadata: { name, namespace },
        spec,
      })) as unknown as MovieTicketing;
    } catch (error) {
      if (!hasReason(error, 'KindNotServed', 'NotFound') || Date.now() > deadline) throw error;
    }
  }
};

/** The resource that `makeResource` makes. */
export const resourceRef = (namespace: string) => ({
  apiVersion: 'movieticketing.io/v1',
  kind: 'MovieTicketing',
  name: 'shop',
  namespace,
});
