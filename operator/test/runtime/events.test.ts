import { afterAll, afterEach, describe, expect, jest, test as plainTest } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { makeEventRecorder } from '../../src/runtime/events.ts';
import type { KubeObject } from '../../src/runtime/kube-object.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import { configMap, silentLogger, until, withScene } from '../../testing/runtime-scene.ts';

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(() => api?.stop());
afterEach(() => {
  jest.restoreAllMocks();
});

const who = { component: 'movie-ticketing-operator', instance: 'pod-1' };
const warning = (message: string) => ({ type: 'Warning', reason: 'Failed', message }) as const;

describe('events', () => {
  testIf(hasApiServer, lacksApiServer)('counts repeated events in one Event object', () =>
    withScene(api!, async ({ client, direct, namespace }) => {
      const about = await direct.apply<KubeObject>(configMap(namespace, 'a'));
      const recorder = makeEventRecorder({ client, ...who, logger: silentLogger() });
      for (let time = 0; time < 3; time += 1) recorder.record(about, warning('no image'));
      recorder.record(about, { type: 'Normal', reason: 'Installed', message: 'all is well' });
      await recorder.stop(10_000);
      const { items } = await direct.list<any>({ apiVersion: 'v1', kind: 'Event' }, { namespace });
      expect(items.map(({ reason, count }) => ({ reason, count }))).toEqual(
        expect.arrayContaining([
          { reason: 'Failed', count: 3 },
          { reason: 'Installed', count: 1 },
        ]),
      );
      expect(items).toHaveLength(2);
      expect(items[0].involvedObject).toMatchObject({
        kind: 'ConfigMap',
        uid: about.metadata.uid,
      });
    }),
  );

  const recorderOf = (apply: () => Promise<unknown>) => {
    const sent: any[] = [];
    const client: any = {
      apply: (object: unknown) => {
        sent.push(object);
        return apply();
      },
    };
    const recorder = makeEventRecorder({ client, ...who, logger: silentLogger() });
    return { recorder, sent };
  };
  const about = configMap('ns', 'a');

  plainTest('bounds the events of one object and keeps those of others', async () => {
    const { recorder, sent } = recorderOf(() => Promise.resolve());
    for (let time = 0; time < 500; time += 1) recorder.record(about, warning(String(time)));
    recorder.record(configMap('ns', 'other'), warning('mine'));
    await until('sent', () => sent.length >= 26);
    const now = performance.now();
    jest.spyOn(performance, 'now').mockReturnValue(now + 600_000);
    recorder.record(about, warning('0'));
    await recorder.stop(1_000);
    expect(sent.map(({ message }) => message)).toEqual([
      ...Array.from({ length: 25 }, (_, index) => String(index)),
      'mine',
      '0',
    ]);
    // A new window starts a new count and a new name.
    expect(sent.at(-1)).toMatchObject({ count: 1 });
    expect(sent.at(-1).metadata.name).not.toBe(sent[0].metadata.name);
  });

  plainTest('neither waits nor throws when recording fails', async () => {
    let calls = 0;
    const { recorder, sent } = recorderOf(() => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error('no')) : Promise.resolve();
    });
    recorder.record(about, warning('a'));
    recorder.record(about, warning('b'));
    await recorder.stop(1_000);
    expect(sent).toHaveLength(2);
    recorder.record(about, warning('after the stop'));
    expect(sent).toHaveLength(2);
  });
});
