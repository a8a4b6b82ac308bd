import { KubeError } from './kube-error.ts';
import type { KubeObject } from './kube-object.ts';

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** All up to this version was sent. */
  | { type: 'BOOKMARK'; object: { metadata: { resourceVersion: string } } };

type Line<T> = WatchEvent<T> | { type: 'ERROR'; object: { code?: number; reason?: string } };

const parse = <T>(line: string): WatchEvent<T> => {
  let event: Line<T>;
  try {
    event = JSON.parse(line) as Line<T>;
  } catch {
    throw new KubeError('watch: not JSON', { status: 0, reason: 'BadAnswer' });
  }
  if (event.type !== 'ERROR') return event;
  const { code = 0, reason = 'Unknown' } = event.object;
  throw new KubeError(`watch: ${String(code)} ${reason}`, { status: code, reason });
};

/** The events of a watch's body, a JSON object a line. @throws KubeError of an ERROR event */
export async function* readEvents<T extends KubeObject>(
  body: AsyncIterable<Buffer>,
): AsyncGenerator<WatchEvent<T>> {
  let rest: Buffer[] = [];
  for await (const chunk of body) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8');
      rest = [];
      from = end + 1;
      if (line.trim() !== '') yield parse<T>(line);
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
}
