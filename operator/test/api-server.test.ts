import { afterAll, describe, expect } from '@jest/globals';
import { CoreV1Api } from '@kubernetes/client-node';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import {
  hasApiServer,
  lacksApiServer,
  startApiServer,
  type ApiServer,
} from '../testing/api-server.ts';

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(() => api?.stop());

const test = (title: string, run: (server: ApiServer) => Promise<void>): void => {
  testIf(api !== undefined, lacksApiServer)(title, () => run(api!), 400_000);
};

describe('the API server of tests', () => {
  test('when it is restarted, then what was stored is there and RBAC holds', async (server) => {
    const namespace = await server.namespace();
    await server.restart();
    const core = server.kubeconfig.makeApiClient(CoreV1Api);
    expect((await core.readNamespace({ name: namespace })).metadata?.name).toBe(namespace);

    const config = await server.makeClientConfig({ serviceAccount: { namespace, name: 'nobody' } });
    const nobody = config.makeApiClient(CoreV1Api);
    await expect(nobody.listNamespacedSecret({ namespace })).rejects.toMatchObject({ code: 403 });
  });
});
