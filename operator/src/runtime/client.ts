import type { KubeConfig } from '@kubernetes/client-node';
import type { Registry } from '@movie-ticketing/kit/metrics';

import { undefinedIfNotFound } from './kube-error.ts';
import { refOf, type Kind, type KubeObject, type ObjectRef } from './kube-object.ts';
import {
  listAll,
  watch,
  type Selection,
  type WatchEvent,
  type WatchOptions,
} from './list-watch.ts';
import { makeRequests, type CallOptions, type Requests } from './requests.ts';

/** Every call throws KubeError. Objects are sent and received with all their fields. */
export type KubeClient = {
  /** Undefined where the object does not exist. Throws KindNotServed where its kind does not. */
  get<T extends KubeObject>(ref: ObjectRef, call?: CallOptions): Promise<T | undefined>;
  list<T extends KubeObject>(
    kind: Kind,
    selection?: Selection,
    call?: CallOptions,
  ): Promise<{ items: T[]; resourceVersion: string }>;
  /** Ends when the server ends it. Throws on errors: status 410 means that a list is needed first. */
  watch<T extends KubeObject>(kind: Kind, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Forced server-side apply, by the field manager of this client unless another is given. */
  apply<T extends KubeObject>(
    object: KubeObject,
    call?: CallOptions & { fieldManager?: string },
  ): Promise<T>;
  /** A JSON merge patch: null removes a field, whoever owns it. */
  merge(ref: ObjectRef, patch: object, call?: CallOptions): Promise<void>;
  /**
   * Applies the whole status: a field that is left out is removed if this client owns it. NotFound
   * where the object is gone. The API server ignores a uid here, so `resourceVersion` (Conflict)
   * protects an object that was re-created under the same name.
   */
  patchStatus<T extends KubeObject>(
    ref: ObjectRef,
    status: object,
    call?: CallOptions & { resourceVersion?: string },
  ): Promise<T>;
  /** Not retried where the outcome is unknown. */
  create<T extends KubeObject>(object: KubeObject, call?: CallOptions): Promise<T>;
  /** Replaces the object. Conflict where metadata.resourceVersion is not the current one. */
  update<T extends KubeObject>(object: KubeObject, call?: CallOptions): Promise<T>;
  /**
   * Propagation policy Background. False where the object did not exist. Conflict where `uid` is set
   * and the object has another uid.
   */
  delete(ref: ObjectRef & { uid?: string }, call?: CallOptions): Promise<boolean>;
};

export const makeKubeClient = (options: {
  kubeConfig: KubeConfig;
  fieldManager: string;
  registry: Registry;
}): KubeClient => {
  const requests = makeRequests({ ...options, userAgent: options.fieldManager });
  return {
    get: (ref, call) => undefinedIfNotFound(requests.send({ method: 'GET', to: ref }, call)),
    list: (kind, selection = {}, call = {}) => listAll(requests, kind, selection, call),
    watch: (kind, watchOptions) => watch(requests, kind, watchOptions),
    ...makeWrites(requests, options.fieldManager),
  };
};

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';

const makeWrites = (
  { send }: Requests,
  fieldManager: string,
): Pick<KubeClient, 'apply' | 'merge' | 'patchStatus' | 'create' | 'update' | 'delete'> => {
  const query = { fieldManager };
  const applyOptions = {
    method: 'PATCH',
    contentType: APPLY,
    query: { fieldManager, force: 'true' },
  } as const;
  return {
    apply: (object, { fieldManager: manager = fieldManager, ...call } = {}) => {
      const asOwner = { ...applyOptions, query: { fieldManager: manager, force: 'true' } };
      return send({ ...asOwner, to: refOf(object), body: object }, call);
    },
    merge: async (ref, patch, call) => {
      await send({ method: 'PATCH', to: ref, query, contentType: MERGE, body: patch }, call);
    },
    patchStatus: ({ apiVersion, kind, ...place }, status, { resourceVersion, ...call } = {}) => {
      const to = { apiVersion, kind, ...place, subresource: 'status' } as const;
      const body = { apiVersion, kind, metadata: { ...place, resourceVersion }, status };
      return send({ ...applyOptions, to, body }, call);
    },
    create: (object, call) => {
      const { name: _, ...to } = refOf(object);
      return send({ method: 'POST', to, query, body: object }, call);
    },
    update: (object, call) => send({ method: 'PUT', to: refOf(object), query, body: object }, call),
    delete: async ({ uid, ...ref }, call) => {
      const preconditions = uid === undefined ? undefined : { uid };
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: 'Background',
        preconditions,
      };
      return (
        (await undefinedIfNotFound(send({ method: 'DELETE', to: ref, body }, call))) !== undefined
      );
    },
  };
};

/** A client that refuses every attempt to write (NotLeading) while `mayWrite` returns false. */
export const refuseWritesUnless = (client: KubeClient, mayWrite: () => boolean): KubeClient => {
  const guarded = <C extends CallOptions>(call?: C) => ({ ...call, mayStart: mayWrite }) as C;
  return {
    ...client,
    apply: (object, call) => client.apply(object, guarded(call)),
    merge: (ref, patch, call) => client.merge(ref, patch, guarded(call)),
    patchStatus: (ref, status, call) => client.patchStatus(ref, status, guarded(call)),
    create: (object, call) => client.create(object, guarded(call)),
    update: (object, call) => client.update(object, guarded(call)),
    delete: (ref, call) => client.delete(ref, guarded(call)),
  };
};
