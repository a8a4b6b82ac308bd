import type { KubeConfig } from '@kubernetes/client-node';
import { makeCounter, type Registry } from '@movie-ticketing/kit/metrics';

import { pathOf, type Kind, type KubeObject, type ObjectRef } from './kube-object.ts';
import { listAll, watch, type Selection, type WatchOptions } from './list-watch.ts';
import { makeSend, orNothing, type Send } from './requests.ts';
import type { CallOptions } from './retry.ts';
import { makeTransport } from './transport.ts';
import type { WatchEvent } from './watch-stream.ts';

export type DeleteOptions = {
  /** Background unless set. */
  propagation?: 'Background' | 'Foreground' | 'Orphan';
  /** Refused with Conflict where the object is no longer this one. */
  preconditions?: { uid?: string; resourceVersion?: string };
};

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
  /** Server-side apply by this client's field manager. `force` (the default) takes fields from others. */
  apply<T extends KubeObject>(
    object: KubeObject,
    call?: CallOptions & { force?: boolean },
  ): Promise<T>;
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
  /** False where there was nothing to delete. */
  delete(ref: ObjectRef, options?: DeleteOptions, call?: CallOptions): Promise<boolean>;
  close(): void;
};

const APPLY = 'application/apply-patch+yaml';

export const makeKubeClient = (options: {
  kubeConfig: KubeConfig;
  fieldManager: string;
  registry: Registry;
}): KubeClient => {
  const { fieldManager } = options;
  const transport = makeTransport(options.kubeConfig, fieldManager);
  const requests = makeCounter(
    options.registry,
    'rest_client_requests_total',
    'Requests to the API server by their method and the status of the answer',
    ['code', 'method'],
  );
  const count = (method: string, code: string): void => {
    requests.inc({ method, code });
  };
  const send = makeSend(transport, count);
  return {
    get: (ref, call = {}) =>
      orNothing(send(ref.kind, { method: 'GET', path: pathOf(ref, ref) }, true, call)),
    list: (kind, selection = {}, call = {}) => listAll(send, kind, selection, call),
    watch: (kind, wanted) => watch(transport, count, kind, wanted),
    ...makeWrites(send, fieldManager),
    close: transport.close,
  };
};

const makeWrites = (
  send: Send,
  fieldManager: string,
): Pick<KubeClient, 'apply' | 'merge' | 'patchStatus' | 'create' | 'update' | 'delete'> => ({
  apply: (object, { force = true, ...call } = {}) => {
    const path = pathOf(object, object.metadata);
    const query = { fieldManager, force: String(force) };
    const request = { method: 'PATCH', path, query, body: object, contentType: APPLY } as const;
    return send(object.kind, request, true, call);
  },
  merge: async (ref, body, call = {}) => {
    const path = pathOf(ref, ref);
    const contentType = 'application/merge-patch+json';
    const request = { method: 'PATCH', path, query: { fieldManager }, body, contentType } as const;
    await send(ref.kind, request, true, call);
  },
  patchStatus: (ref, status, { resourceVersion, ...call } = {}) => {
    const { apiVersion, kind, ...place } = ref;
    const metadata = { ...place, ...(resourceVersion && { resourceVersion }) };
    // With its uid an object that was deleted meanwhile is not made anew, but refused.
    const body = { apiVersion, kind, metadata, status };
    const path = `${pathOf(ref, ref)}/status`;
    const query = { fieldManager, force: 'true' };
    return send(kind, { method: 'PATCH', path, query, body, contentType: APPLY }, true, call);
  },
  create: (object, call = {}) => {
    const path = pathOf(object, { namespace: object.metadata.namespace });
    const request = { method: 'POST', path, query: { fieldManager }, body: object } as const;
    return send(object.kind, request, false, call);
  },
  update: (object, call = {}) => {
    const path = pathOf(object, object.metadata);
    const request = { method: 'PUT', path, query: { fieldManager }, body: object } as const;
    return send(object.kind, request, true, call);
  },
  delete: async (ref, { propagation = 'Background', preconditions } = {}, call = {}) => {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: propagation,
      ...(preconditions && { preconditions }),
    };
    const request = { method: 'DELETE', path: pathOf(ref, ref), body } as const;
    return (await orNothing(send(ref.kind, request, true, call))) !== undefined;
  },
});

/** A client whose every attempt to write is refused (NotLeading) once `mayWrite` says no. */
export const refuseWritesUnless = (client: KubeClient, mayWrite: () => boolean): KubeClient => {
  const guarded = <C extends CallOptions>(call?: C): C & { mayStart: () => boolean } =>
    ({ ...call, mayStart: mayWrite }) as C & { mayStart: () => boolean };
  return {
    ...client,
    apply: (object, call) => client.apply(object, guarded(call)),
    merge: (ref, patch, call) => client.merge(ref, patch, guarded(call)),
    patchStatus: (ref, status, call) => client.patchStatus(ref, status, guarded(call)),
    create: (object, call) => client.create(object, guarded(call)),
    update: (object, call) => client.update(object, guarded(call)),
    delete: (ref, options, call) => client.delete(ref, options, guarded(call)),
  };
};
