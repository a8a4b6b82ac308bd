import type { KubeConfig } from '@kubernetes/client-node';
import type { Registry } from '@movie-ticketing/kit/metrics';

import { orNothing } from './kube-error.ts';
import { refOf, type Kind, type KubeObject, type ObjectRef } from './kube-object.ts';
import {
  listAll,
  watch,
  type Selection,
  type WatchEvent,
  type WatchOptions,
} from './list-watch.ts';
import { makeRequests, type CallOptions, type Requests } from './requests.ts';

/** Every call throws KubeError. Objects are sent and received whole, whatever their fields. */
export type KubeClient = {
  /** Nothing where the object is not there; throws where its kind or namespace path is unknown. */
  get<T extends KubeObject>(ref: ObjectRef, call?: CallOptions): Promise<T | undefined>;
  list<T extends KubeObject>(
    kind: Kind,
    selection?: Selection,
    call?: CallOptions,
  ): Promise<{ items: T[]; resourceVersion: string }>;
  /** Ends when the server ends it; throws on errors, with reason Expired where a list must come first. */
  watch<T extends KubeObject>(kind: Kind, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Server-side apply by this client's field manager; it takes fields from others. */
  apply<T extends KubeObject>(object: KubeObject, call?: CallOptions): Promise<T>;
  /** A merge patch: what is null in it is taken away, whoever's it was. */
  merge(ref: ObjectRef, patch: object, call?: CallOptions): Promise<void>;
  /**
   * Applies the whole status: what is left out of it and was ours goes. NotFound if the object is
   * gone. A uid is not looked at here by the API server: it takes `resourceVersion` (Conflict) to
   * spare an object that was made anew under the name.
   */
  patchStatus<T extends KubeObject>(
    ref: ObjectRef,
    status: object,
    call?: CallOptions & { resourceVersion?: string },
  ): Promise<T>;
  /** Not repeated where its outcome is unknown. */
  create<T extends KubeObject>(object: KubeObject, call?: CallOptions): Promise<T>;
  /** Replaces; Conflict where metadata.resourceVersion is not the present one. */
  update<T extends KubeObject>(object: KubeObject, call?: CallOptions): Promise<T>;
  /**
   * In the background. False where there was nothing to delete; Conflict where a `uid` is given and
   * the object is another by now.
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
    get: (ref, call) => orNothing(requests.ask({ method: 'GET', to: ref }, call)),
    list: (kind, selection = {}, call = {}) => listAll(requests, kind, selection, call),
    watch: (kind, wanted) => watch(requests, kind, wanted),
    ...makeWrites(requests, options.fieldManager),
  };
};

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';

const makeWrites = (
  { ask }: Requests,
  fieldManager: string,
): Pick<KubeClient, 'apply' | 'merge' | 'patchStatus' | 'create' | 'update' | 'delete'> => {
  const query = { fieldManager };
  const asOurs = {
    method: 'PATCH',
    contentType: APPLY,
    query: { fieldManager, force: 'true' },
  } as const;
  return {
    apply: (object, call) => ask({ ...asOurs, to: refOf(object), body: object }, call),
    merge: async (ref, patch, call) => {
      await ask({ method: 'PATCH', to: ref, query, contentType: MERGE, body: patch }, call);
    },
    patchStatus: ({ apiVersion, kind, ...place }, status, { resourceVersion, ...call } = {}) => {
      const to = { apiVersion, kind, ...place, subresource: 'status' } as const;
      const body = { apiVersion, kind, metadata: { ...place, resourceVersion }, status };
      return ask({ ...asOurs, to, body }, call);
    },
    create: (object, call) => {
      const { name: _, ...to } = refOf(object);
      return ask({ method: 'POST', to, query, body: object }, call);
    },
    update: (object, call) => ask({ method: 'PUT', to: refOf(object), query, body: object }, call),
    delete: async ({ uid, ...ref }, call) => {
      const preconditions = uid === undefined ? undefined : { uid };
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: 'Background',
        preconditions,
      };
      return (await orNothing(ask({ method: 'DELETE', to: ref, body }, call))) !== undefined;
    },
  };
};

/** A client whose every attempt to write is refused (NotLeading) once `mayWrite` says no. */
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
