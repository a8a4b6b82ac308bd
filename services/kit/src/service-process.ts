import type { RequestHandler } from 'express';

import { ConfigError } from './config.ts';
import { makeHttpApp, unmatchedRoute } from './http-app.ts';
import type { Logger } from './logging.ts';
import { managementListener } from './management.ts';
import { makeHttpMetrics, type HttpMetrics, type Registry } from './metrics.ts';
import { logReadiness } from './readiness.ts';
import { startServer, type RunningServer, type ServerOptions } from './server.ts';
import type { Service } from './service.ts';
import type { Refusal } from './socket-refusal.ts';
import type { Tracing } from './tracing.ts';

/** An error that the operator of the server can correct: its message is printed without a stack. Exit code 1. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export type ProcessOptions = {
  services: readonly Service[];
  pages?: RequestHandler;
  environment: {
    HOST: string;
    PORT: number;
    MANAGEMENT_PORT: number;
    CORS_ORIGINS: readonly string[];
    TRUST_PROXY: number;
  };
  logger: Logger;
  registry: Registry;
  tracing: Tracing | undefined;
};

export type RunningProcess = { port: number; managementPort: number; stop: () => Promise<void> };

const drainMs = 8_000; // of the ten seconds a stop may take

/** Open connections of one client; all of them together may be ten times as many. */
const connectionsPerNetwork = 1_000;

/** Serves one service, or several in one process, with their management port. */
export const serve = async (options: ProcessOptions): Promise<RunningProcess> => {
  const { environment, services } = options;
  let stopping = false;
  const metrics = makeHttpMetrics(options.registry);
  const app = makeHttpApp({
    services,
    ...(options.pages === undefined ? {} : { pages: options.pages }),
    logger: options.logger,
    metrics,
    corsOrigins: environment.CORS_ORIGINS,
    trustProxy: environment.TRUST_PROXY,
    tracing: options.tracing,
  });
  const management = await listen({
    listener: managementListener({
      registry: options.registry,
      isStopping: () => stopping,
      readiness: logReadiness(async () => {
        const found = await Promise.all(services.map(({ ready }) => ready()));
        return found.find((missing) => missing !== undefined);
      }, options.logger),
    }),
    host: environment.HOST,
    port: environment.MANAGEMENT_PORT,
  });
  let server: RunningServer;
  try {
    server = await listen({
      listener: app,
      host: environment.HOST,
      port: environment.PORT,
      // Behind a proxy all clients share its address.
      limits: environment.TRUST_PROXY === 0 ? { connectionsPerNetwork } : {},
      onRefused: recordRefusal(options.logger, metrics),
    });
  } catch (error) {
    await management.stop(0);
    throw error;
  }
  const stop = async (): Promise<void> => {
    stopping = true;
    await server.stop(drainMs);
    await Promise.all(services.map((service) => service.stop()));
    await management.stop(0);
    await options.tracing?.stop();
  };
  return { port: server.port, managementPort: management.port, stop };
};

/** What the HTTP parser refuses is in the access log and the metrics too. */
const recordRefusal =
  (logger: Logger, metrics: HttpMetrics) =>
  ({ requestId, status, code, reason, clientAddress }: Refusal): void => {
    const method = 'unknown';
    metrics.observe(unmatchedRoute, method, status, 0);
    logger.info(
      {
        request_id: requestId,
        method,
        route: unmatchedRoute,
        status,
        code,
        reason,
        client: clientAddress,
      },
      'request refused',
    );
  };

/** An address or a port that cannot be used is noticed only when the server listens on it. */
const listen = async (options: ServerOptions): Promise<RunningServer> => {
  try {
    return await startServer(options);
  } catch (error) {
    const { code, syscall } = error as { code?: unknown; syscall?: unknown };
    if (code === 'EACCES') {
      throw new ConfigError(
        `PORT and MANAGEMENT_PORT must be ports that this user may listen on, like 8080 (tried ${String(options.port)})`,
        { cause: error },
      );
    }
    if (code !== 'EADDRINUSE' && (syscall === 'listen' || syscall === 'getaddrinfo')) {
      throw new ConfigError(
        'HOST must be an address of this machine, like 127.0.0.1, or :: for all',
        { cause: error },
      );
    }
    throw error;
  }
};

/**
 * Runs a process until SIGTERM or SIGINT. Two signals within a second count as one (npm forwards the
 * signal that the terminal already sent); a later second one ends the process at once.
 * @param start resolves with the function that stops it; a ConfigError exits with code 2
 */
export const runProcess = async (start: () => Promise<() => Promise<void>>): Promise<void> => {
  let stop: (() => Promise<void>) | undefined;
  let firstSignal: number | undefined;
  const onSignal = (): void => {
    if (firstSignal !== undefined) {
      if (performance.now() - firstSignal > 1_000) process.exit(1);
      return;
    }
    firstSignal = performance.now();
    if (stop !== undefined) void finish(stop);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    stop = await start();
  } catch (error) {
    console.error(describeFailure(error));
    process.exit(error instanceof ConfigError ? 2 : 1);
  }
  if (firstSignal !== undefined) await finish(stop);
};

const finish = async (stop: () => Promise<void>): Promise<void> => {
  // The process ends within ten seconds even if something hangs.
  setTimeout(() => process.exit(1), 10_000).unref();
  try {
    await stop();
    process.exit(0);
  } catch (error) {
    console.error(describeFailure(error));
    process.exit(1);
  }
};

const describeFailure = (error: unknown): string => {
  if (error instanceof ConfigError || error instanceof StartError) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}: another program uses this port. Set PORT or MANAGEMENT_PORT to a free port.`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};
