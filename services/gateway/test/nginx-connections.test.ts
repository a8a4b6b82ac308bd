import { Agent, get } from 'node:http';

import { describe, expect } from '@jest/globals';

import { probeDocker } from '@movie-ticketing/kit/testing/docker-probe';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { nginxImage, startNginxGateway, type NginxGateway } from '../testing/nginx-container.ts';

const docker = await probeDocker(nginxImage);
const testOnNginx = testIf(docker.usable, docker.usable ? '' : docker.why);
const reaperImage = docker.usable && docker.reaperImage;

/** @returns the client's port, which is another one for another connection */
const request = (gateway: NginxGateway, agent: Agent): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const req = get(`${gateway.directUrl}/bookings/1`, { agent }, (res) => {
      const port = res.socket.localPort;
      res.resume().on('end', () => {
        resolve(port);
      });
    });
    req.on('error', reject);
  });

/**
 * Sends one request after the other for `seconds`.
 * @returns for how many seconds the oldest connection from the client and to the service was in use
 */
const useConnections = async (
  gateway: NginxGateway,
  seconds: number,
): Promise<{ client: number; service: number }> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const begun = performance.now();
  const clientUse = new Map<number | undefined, [number, number]>();
  const serviceUse = new Map<number | undefined, [number, number]>();
  const note = (use: typeof clientUse, port: number | undefined): void => {
    const now = performance.now();
    use.set(port, [use.get(port)?.[0] ?? now, now]);
  };
  while (performance.now() < begun + seconds * 1_000) {
    note(clientUse, await request(gateway, agent));
    note(serviceUse, gateway.stub.received.at(-1)?.clientPort);
    gateway.stub.received.length = 0;
  }
  agent.destroy();
  const longest = (use: typeof clientUse): number =>
    Math.max(...[...use.values()].map(([first, last]) => last - first)) / 1_000;
  return { client: longest(clientUse), service: longest(serviceUse) };
};

// The operator keeps a pod that is to end alive for eight seconds.
describe('a busy connection', () => {
  testOnNginx('is replaced before a pod that is to end stops', async () => {
    const gateway = await startNginxGateway({ reaperImage });
    const { client, service } = await useConnections(gateway, 7);
    await gateway.stop();
    expect(client).toBeLessThan(5);
    expect(service).toBeLessThan(3);
  });

  testOnNginx('is used for good without a limit on its time (control)', async () => {
    const gateway = await startNginxGateway({
      reaperImage,
      // Nor a limit on its requests, of which there are thousands a second.
      change: (config) =>
        config
          .replace('keepalive_time 4s;', '')
          .replace('keepalive_requests 10000;', 'keepalive_requests 10000000;'),
    });
    const { client } = await useConnections(gateway, 7);
    await gateway.stop();
    expect(client).toBeGreaterThan(6);
  });
});
