import { join } from 'node:path';

import { allEndpoints } from '../src/all-endpoints.ts';
import { pageFile, renderNginxConfig, upstreamsOf } from '../src/nginx-config.ts';
import { recordOwnAnswers, type OwnAnswers } from '../src/own-answers.ts';
import { makeRouteTable } from '../src/route-table.ts';
import { startStub, type Stub } from './stub-services.ts';

export const nginxImage = 'nginxinc/nginx-unprivileged:1.29';

type File = { content: string; target: string };

export type NginxGateway = {
  url: string;
  /** The container's own address instead of the port that Docker publishes: reachable only on Linux. */
  directUrl: string;
  stub: Stub;
  own: OwnAnswers;
  /** Writes files into the running container. */
  copy: (files: readonly File[]) => Promise<void>;
  /** Its standard output and error so far. */
  written: () => string;
  stop: () => Promise<void>;
};

/** The rendered configuration in a real nginx in front of stubs or real services in this process. */
export const startNginxGateway = async (options: {
  reaperImage: boolean;
  environment?: Record<string, string>;
  /** Files in addition to those of the image. */
  files?: readonly File[];
  /** The port of all services, instead of the stubs. */
  servicesPort?: number;
  /** Removes a guard from the configuration, for a control test. */
  change?: (config: string) => string;
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
      `host:${String(options.servicesPort ?? stub.ports[service])}`,
    ]),
  );
  const change = options.change ?? ((config) => config);
  const config = renderNginxConfig(routes, {
    own,
    pagesDir: `${installed}/pages`,
    runDir: '/tmp/gateway',
  });
  let written = '';
  const container = await new GenericContainer(nginxImage)
    .withCopyContentToContainer([
      { content: change(config), target: `${installed}/nginx.conf` },
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
    .withExtraHosts([{ host: 'host', ipAddress: 'host-gateway' }])
    .withEnvironment({ ...addresses, ...options.environment })
    .withEntrypoint(['/bin/sh', `${installed}/start.sh`])
    .withLogConsumer((stream) => {
      stream.on('data', (chunk: Buffer | string) => (written += chunk.toString()));
    })
    .withExposedPorts(8080, 9090)
    .withWaitStrategy(Wait.forHttp('/readyz', 9090))
    .withStartupTimeout(30_000)
    .start();
  return {
    url: `http://${container.getHost()}:${String(container.getMappedPort(8080))}`,
    directUrl: `http://${container.getIpAddress('bridge')}:8080`,
    stub,
    own,
    copy: (files) => container.copyContentToContainer([...files]),
    written: () => written,
    stop: async () => {
      await container.stop({ timeout: 1_000 });
      stub.stop();
    },
  };
};
