import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { allEndpoints } from '../src/all-endpoints.ts';
import { pageFile, renderNginxConfig, upstreamsOf } from '../src/nginx-config.ts';
import { recordOwnAnswers, type OwnAnswers } from '../src/own-answers.ts';
import { makeRouteTable } from '../src/route-table.ts';

export const nginxImage = 'nginxinc/nginx-unprivileged:1.29';

export type Received = {
  service: string;
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
};

/** Stands in for every service: remembers what came, and hangs up on the first `hangUps` requests. */
export type Stub = {
  ports: Record<string, number>;
  received: Received[];
  hangUps: number;
  stop: () => void;
};

const startStub = async (services: readonly string[]): Promise<Stub> => {
  const servers = services.map((service) => {
    const server = createServer((req, res) => {
      req.resume().on('end', () => {
        const { method = '', url = '', headers } = req;
        stub.received.push({ service, method, url, headers });
        if (stub.hangUps > 0) {
          stub.hangUps -= 1;
          res.destroy();
          return;
        }
        res.setHeader('X-Request-Id', String(headers['x-request-id']));
        res.end(service);
      });
    });
    return [service, server.listen(0, '0.0.0.0')] as const;
  });
  await Promise.all(servers.map(([, server]) => once(server, 'listening')));
  const stub: Stub = {
    ports: Object.fromEntries(
      servers.map(([service, server]) => [service, (server.address() as AddressInfo).port]),
    ),
    received: [],
    hangUps: 0,
    stop: () => {
      for (const [, server] of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
  return stub;
};

type File = { content: string; target: string };

export type NginxGateway = {
  url: string;
  stub: Stub;
  own: OwnAnswers;
  /** Writes files into the running container. */
  copy: (files: readonly File[]) => Promise<void>;
  stop: () => Promise<void>;
};

/** The rendered configuration in a real nginx, before services that are stubs in this process. */
export const startNginxGateway = async (options: {
  reaperImage: boolean;
  environment?: Record<string, string>;
  /** Beside those of the image. */
  files?: readonly File[];
}): Promise<NginxGateway> => {
  if (!options.reaperImage) process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  const { GenericContainer, Wait } = await import('testcontainers');
  const routes = makeRouteTable(allEndpoints());
  const own = await recordOwnAnswers();
  const services = upstreamsOf(routes);
  const stub = await startStub(services);
  const installed = '/etc/nginx/gateway';
  const addresses = Object.fromEntries(
    services.map((service) => [
      `${service.toUpperCase()}_ADDRESS`,
      `stubs:${String(stub.ports[service])}`,
    ]),
  );
  const config = renderNginxConfig(routes, {
    own,
    pagesDir: `${installed}/pages`,
    runDir: '/tmp/gateway',
  });
  const container = await new GenericContainer(nginxImage)
    .withCopyContentToContainer([
      { content: config, target: `${installed}/nginx.conf` },
      { content: `${services.join('\n')}\n`, target: `${installed}/services` },
      ...own.answers.map(({ path, body }) => ({
        content: body,
        target: `${installed}/pages/${pageFile(path)}`,
      })),
      ...(options.files ?? []),
    ])
    .withCopyFilesToContainer([
      { source: join(import.meta.dirname, '../nginx/start.sh'), target: `${installed}/start.sh` },
    ])
    .withExtraHosts([{ host: 'stubs', ipAddress: 'host-gateway' }])
    .withEnvironment({ ...addresses, ...options.environment })
    .withEntrypoint(['/bin/sh', `${installed}/start.sh`])
    .withExposedPorts(8080, 9090)
    .withWaitStrategy(Wait.forHttp('/readyz', 9090))
    .withStartupTimeout(30_000)
    .start();
  return {
    url: `http://${container.getHost()}:${String(container.getMappedPort(8080))}`,
    stub,
    own,
    copy: (files) => container.copyContentToContainer([...files]),
    stop: async () => {
      await container.stop({ timeout: 1_000 });
      stub.stop();
    },
  };
};
