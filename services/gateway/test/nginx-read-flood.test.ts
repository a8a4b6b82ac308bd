import type { ServerResponse } from 'node:http';

import { describe, expect } from '@jest/globals';

import { probeDocker } from '@movie-ticketing/kit/testing/docker-probe';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { nginxImage, startNginxGateway } from '../testing/nginx-container.ts';

const docker = await probeDocker(nginxImage);
const testOnNginx = testIf(docker.usable, docker.usable ? '' : docker.why);
const reaperImage = docker.usable && docker.reaperImage;

const publicRead = 'public, max-age=0, must-revalidate';

describe('a flood of new addresses', () => {
  const flood = 400;

  /** All at once: no answer before the last request has come, or some were turned away. */
  const flooded = async (change: (config: string) => string): Promise<number[]> => {
    const small = await startNginxGateway({
      reaperImage,
      // Room for fewer than that.
      change: (config) => change(config.replace('public_reads:512k', 'public_reads:32k')),
    });
    try {
      const waiting: ServerResponse[] = [];
      const refused: number[] = [];
      const answerAll = (): void => {
        if (waiting.length + refused.length < flood) return;
        for (const res of waiting) res.end('{}');
      };
      small.stub.respond = (_received, res) => {
        res.setHeader('Cache-Control', publicRead);
        waiting.push(res);
        answerAll();
      };
      const asked = Array.from({ length: flood }, async (_, index) => {
        const { status } = await fetch(`${small.url}/movies?q=${String(index)}`);
        if (status !== 200) refused.push(status);
        answerAll();
      });
      await Promise.all(asked);
      return refused;
    } finally {
      await small.stop();
    }
  };

  testOnNginx(
    'forwards a read for which the cache has no room',
    async () => {
      expect(await flooded((config) => config)).toEqual([]);
    },
    60_000,
  );

  testOnNginx(
    'nginx alone refuses it (control)',
    async () => {
      const refused = await flooded((config) => config.replace('error_page 500 = /-/forward;', ''));
      expect(refused.length).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe('a rate limit', () => {
  testOnNginx(
    'counts cached responses in the rate limit',
    async () => {
      const limited = await startNginxGateway({
        reaperImage,
        environment: { RATE_LIMIT: '10' },
      });
      try {
        limited.stub.respond = (_received, res) => {
          res.setHeader('Cache-Control', publicRead);
          res.end('{}');
        };
        const answers = await Promise.all(
          Array.from({ length: 200 }, () => fetch(`${limited.url}/movies`)),
        );
        const refused = answers.filter(({ status }) => status === 429);
        expect(refused.length).toBeGreaterThan(100);
      } finally {
        await limited.stop();
      }
    },
    60_000,
  );
});
