import type { KubeClient } from '../src/runtime/client.ts';
import { KubeError } from '../src/runtime/kube-error.ts';

type Call = { verb: string; kind: string; name: string };

export type RecordedClient = {
  client: KubeClient;
  calls: Call[];
  writes: () => Call[];
  /** The n-th write from now on dies: unsent, or sent and its answer lost. */
  dieAtWrite: (n: number, moment: 'before' | 'after') => void;
};

const writingVerbs = new Set(['create', 'patch', 'delete', 'patch/status', 'update']);

const died = (): KubeError => new KubeError('killed', { status: 0, reason: 'Aborted' });

/** A client that notes what is asked of it by RBAC's verbs, and that can die at a write. */
export const recordCalls = (client: KubeClient): RecordedClient => {
  const calls: Call[] = [];
  let fatal: { left: number; moment: 'before' | 'after' } | undefined;
  const note = async <T>(call: Call, run: () => Promise<T>): Promise<T> => {
    const isFatal = writingVerbs.has(call.verb) && fatal !== undefined && --fatal.left === 0;
    if (isFatal && fatal?.moment === 'before') throw died();
    calls.push(call);
    const answer = await run();
    if (isFatal) throw died();
    return answer;
  };
  const recorded: KubeClient = {
    ...client,
    get: (ref, call) => note({ verb: 'get', ...ref }, () => client.get(ref, call)),
    list: (kind, selection, call) =>
      note({ verb: 'list', kind: kind.kind, name: '' }, () => client.list(kind, selection, call)),
    apply: (object, call) =>
      note({ verb: 'patch', kind: object.kind, name: object.metadata.name }, () =>
        client.apply(object, call),
      ),
    merge: (ref, patch, call) =>
      note({ verb: 'patch', ...ref }, () => client.merge(ref, patch, call)),
    create: (object, call) =>
      note({ verb: 'create', kind: object.kind, name: object.metadata.name }, () =>
        client.create(object, call),
      ),
    patchStatus: (ref, status, call) =>
      note({ verb: 'patch/status', ...ref }, () => client.patchStatus(ref, status, call)),
    delete: (ref, call) => note({ verb: 'delete', ...ref }, () => client.delete(ref, call)),
  };
  return {
    client: recorded,
    calls,
    writes: () => calls.filter(({ verb }) => writingVerbs.has(verb)),
    dieAtWrite: (left, moment) => {
      fatal = { left, moment };
    },
  };
};
