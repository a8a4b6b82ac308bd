import { testIf } from '@movie-ticketing/kit/testing/skippable';

import type { MovieTicketing } from '../src/resource/movie-ticketing.schema.ts';
import { hasApiServer, lacksApiServer, startApiServer } from './api-server.ts';
import { installCrd, makeMovieTicketings, type Answer } from './crd.ts';

export type Resources = ReturnType<typeof makeMovieTicketings>;

export const accepted = (answer: Answer): MovieTicketing => {
  if ('refusal' in answer) throw new Error(answer.refusal);
  return answer.resource;
};

/** An API server with the CRD. Each test gets a namespace of its own; without the binaries it is skipped. */
export const startCrdScene = async () => {
  const api = hasApiServer ? await startApiServer() : undefined;
  if (api !== undefined) await installCrd(api.kubeconfig);
  const test = (title: string, run: (resources: Resources) => Promise<void>): void => {
    testIf(api !== undefined, lacksApiServer)(
      title,
      async () => run(makeMovieTicketings(api!.kubeconfig, await api!.namespace())),
      60_000,
    );
  };
  return { test, stop: () => api?.stop() };
};
