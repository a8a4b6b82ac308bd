import { errorOfAnswer, hasReason, KubeError } from './kube-error.ts';
import { pathOf, type Kind, type KubeObject } from './kube-object.ts';
import { readAll, type Count, type Send } from './requests.ts';
import type { CallOptions } from './retry.ts';
import { noAnswer, type Outgoing, type Transport } from './transport.ts';
import { readEvents, type WatchEvent } from './watch-stream.ts';

export type Selection = { namespace?: string; labelSelector?: string; fieldSelector?: string };

export type WatchOptions = Selection & {
  resourceVersion: string;
  /** After this the server ends the stream. */
  timeoutSeconds: number;
  /** With nothing heard for so long, not even a bookmark, the stream counts as dead. */
  idleTimeoutMs: number;
  signal: AbortSignal;
};

const PAGE = 500;

type Page<T> = { items?: T[]; metadata: { resourceVersion: string; continue?: string } };

/** All of a kind, page by page. */
export const listAll = async <T extends KubeObject>(
  send: Send,
  kind: Kind,
  { namespace, ...selectors }: Selection,
  call: CallOptions,
  limit = PAGE,
): Promise<{ items: T[]; resourceVersion: string }> => {
  const items: T[] = [];
  let after: string | undefined;
  try {
    for (;;) {
      const query = { ...selectors, limit: String(limit), continue: after };
      const request = { method: 'GET', path: pathOf(kind, { namespace }), query } as const;
      const page = await send<Page<T>>(kind.kind, request, true, call);
      // The items of a list come without their kind.
      for (const item of page.items ?? [])
        items.push({ ...item, apiVersion: kind.apiVersion, kind: kind.kind });
      after = page.metadata.continue;
      if (after === undefined || after === '')
        return { items, resourceVersion: page.metadata.resourceVersion };
    }
  } catch (error) {
    // The pages' snapshot was compacted away under a slow reader: then all at once (0 is no limit).
    if (limit !== 0 && after !== undefined && hasReason(error, 'Expired', 'Gone'))
      return listAll(send, kind, { ...selectors, ...(namespace && { namespace }) }, call, 0);
    throw error;
  }
};

export async function* watch<T extends KubeObject>(
  transport: Transport,
  count: Count,
  kind: Kind,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const { namespace, resourceVersion, timeoutSeconds, idleTimeoutMs, signal } = options;
  const idle = new AbortController();
  const late = (): void => {
    idle.abort(new DOMException('nothing heard', 'TimeoutError'));
  };
  const timer = setTimeout(late, idleTimeoutMs);
  const outgoing: Outgoing = {
    method: 'GET',
    path: pathOf(kind, { namespace }),
    query: {
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(timeoutSeconds),
      resourceVersion,
    },
    signal: AbortSignal.any([signal, idle.signal]),
  };
  try {
    const answer = await transport.send(outgoing);
    const status = answer.statusCode ?? 0;
    count('WATCH', String(status));
    if (status !== 200) {
      const what = `WATCH ${outgoing.path}`;
      const retryAfter = answer.headers['retry-after'];
      const body = await readAll(answer);
      throw errorOfAnswer({ what, kind: kind.kind }, { status, retryAfter, body });
    }
    for await (const event of readEvents<T>(answer)) {
      timer.refresh();
      yield event;
    }
  } catch (error) {
    if (error instanceof KubeError) throw error;
    throw noAnswer(outgoing, error as Error);
  } finally {
    clearTimeout(timer);
  }
}
