import { describe, expect } from '@jest/globals';

import { probeDocker } from '@movie-ticketing/kit/testing/docker-probe';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { nginxImage, startNginxGateway } from '../testing/nginx-container.ts';

const docker = await probeDocker(nginxImage);
const testOnNginx = testIf(docker.usable, docker.usable ? '' : docker.why);

/** What a gateway has written by its end about one request. */
const linesAt = async (level: string): Promise<string[]> => {
  const gateway = await startNginxGateway({
    reaperImage: docker.usable && docker.reaperImage,
    environment: { LOG_LEVEL: level },
  });
  try {
    expect((await fetch(`${gateway.url}/movies`)).status).toBe(200);
  } finally {
    await gateway.stop();
  }
  return gateway
    .written()
    .split('\n')
    .filter((line) => line.includes('"message":"request"'));
};

describe('LOG_LEVEL of the gateway', () => {
  testOnNginx(
    'logs each request at info and none at warn',
    async () => {
      expect(await linesAt('info')).toHaveLength(1);
      expect(await linesAt('warn')).toEqual([]);
    },
    60_000,
  );
});
