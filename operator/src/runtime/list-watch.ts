import { KubeError } from './kube-error.ts';
import type { Kind, KubeObject } from './kube-object.ts';
import type { CallOptions, Requests } from './requests.ts';

export type Selection = {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Only metadata leaves the API server: the data of a Secret never arrives here. */
  metadataOnly?: boolean;
};

export type WatchOptions = Selection & {
  resourceVersion: string;
  /** The server ends the stream after this time. */
  timeoutSeconds: number;
  /** A stream without any event, bookmarks included, for this time is closed. */
  idleTimeoutMs: number;
  signal: AbortSignal;
};

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** All changes up to this version were sent. */
  | { type: 'BOOKMARK'; object: { metadata: { resourceVersion: string } } };

const PAGE = 500;

const acceptOf = (type: string, metadataOnly = false): string | undefined =>
  metadataOnly ? `application/json;as=${type};g=meta.k8s.io;v=v1` : undefined;

type Page<T> = { items?: T[]; metadata: { resourceVersion: string; continue?: string } };

/** All objects of a kind, page by page. Expired where the snapshot of the pages is too old. */
export const listAll = async <T extends KubeObject>(
  requests: Requests,
  kind: Kind,
  { namespace, metadataOnly, ...selectors }: Selection,
  call: CallOptions,
): Promise<{ items: T[]; resourceVersion: string }> => {
  const accept = acceptOf('PartialObjectMetadataList', metadataOnly);
  const items: T[] = [];
  let after: string | undefined;
  for (;;) {
    const query = { ...selectors, limit: String(PAGE), continue: after };
    const to = { ...kind, namespace };
    const page = await requests.send<Page<T>>({ method: 'GET', to, query, accept }, call);
    // The API server omits the kind of the items in a list.
    for (const item of page.items ?? []) items.push({ ...item, ...kind });
    after = page.metadata.continue;
    if (after === undefined || after === '')
      return { items, resourceVersion: page.metadata.resourceVersion };
  }
};

/** Changes since `resourceVersion`, and bookmarks. Ends when the server ends the stream. */
export async function* watch<T extends KubeObject>(
  requests: Requests,
  kind: Kind,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const { namespace, metadataOnly, idleTimeoutMs, signal, timeoutSeconds, ...query } = options;
  const idle = new AbortController();
  const timer = setTimeout(() => {
    idle.abort(new DOMException('no event received', 'TimeoutError'));
  }, idleTimeoutMs);
  const watchQuery = { watch: 'true', allowWatchBookmarks: 'true' };
  const request = {
    method: 'GET',
    to: { ...kind, namespace },
    query: { ...query, ...watchQuery, timeoutSeconds: String(timeoutSeconds) },
    accept: acceptOf('PartialObjectMetadata', metadataOnly),
  } as const;
  try {
    const body = requests.read(request, AbortSignal.any([signal, idle.signal]));
    for await (const line of linesOf(body)) {
      timer.refresh();
      yield eventOf<T>(line, kind);
    }
  } finally {
    clearTimeout(timer);
  }
}

async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const part of text) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

type Line<T> = WatchEvent<T> | { type: 'ERROR'; object: { code?: number; reason?: string } };

/** @throws KubeError of an ERROR event */
const eventOf = <T>(line: string, kind: Kind): WatchEvent<T> => {
  let event: Line<T>;
  try {
    event = JSON.parse(line) as Line<T>;
  } catch {
    throw new KubeError('watch: invalid JSON', { status: 0, reason: 'InvalidResponse' });
  }
  if (event.type === 'BOOKMARK') return event;
  // With metadata only, the kind would be PartialObjectMetadata.
  if (event.type !== 'ERROR') return { type: event.type, object: { ...event.object, ...kind } };
  const { code = 0, reason = 'Unknown' } = event.object;
  throw new KubeError(`watch: ${String(code)} ${reason}`, { status: code, reason });
};
