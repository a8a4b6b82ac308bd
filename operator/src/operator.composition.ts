import { randomUUID } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from '@movie-ticketing/kit/logging';
import { managementListener } from '@movie-ticketing/kit/management';
import type { Registry } from '@movie-ticketing/kit/metrics';
import { startServer } from '@movie-ticketing/kit/server';

import { settingsFrom, type OperatorEnvironment } from './operator.environment.ts';
import { makeController } from './reconcile/controller.ts';
import { fieldOwner } from './reconcile/observed.ts';
import { makeKubeClient, refuseWritesUnless } from './runtime/client.ts';
import { makeLeaderElection } from './runtime/leader-election.ts';

export type OperatorOptions = {
  environment: OperatorEnvironment;
  kubeConfig: KubeConfig;
  logger: Logger;
  registry: Registry;
  /** It led, and leads no more: the process must end. */
  onLost: () => void;
};

export type RunningOperator = {
  managementPort: number;
  isLeading: () => boolean;
  /** Ends what is under way, then gives the Lease back, so that another leads at once. */
  stop: () => Promise<void>;
};

/** Wires the operator and starts it: it waits to lead, and works while it does. */
export const startOperator = async (options: OperatorOptions): Promise<RunningOperator> => {
  const { environment, kubeConfig, logger, registry, onLost } = options;
  const client = makeKubeClient({ kubeConfig, fieldManager: fieldOwner, registry });
  // Unlike a former self's: a restarted container keeps its pod's name.
  const identity = `${environment.POD_NAME}_${randomUUID().slice(0, 8)}`;
  const election = makeLeaderElection({
    client,
    namespace: environment.POD_NAMESPACE,
    name: environment.LEASE_NAME,
    identity,
    onLeading: () => {
      controller.start();
    },
    onLost: (why) => {
      logger.error({ why }, 'this operator leads no more and ends');
      onLost();
    },
    logger,
    registry,
  });
  const controller = makeController({
    client: refuseWritesUnless(client, election.isLeading),
    settings: settingsFrom(environment),
    recordEvent: ({ metadata }, event) => {
      logger.info({ resource: `${metadata.namespace}/${metadata.name}`, event }, 'told');
    },
    logger,
    registry,
    namespaces: environment.WATCH_NAMESPACES,
    workers: environment.CONCURRENCY,
  });
  let stopping = false;
  const management = await startServer({
    listener: managementListener({
      registry,
      isStopping: () => stopping,
      // One that waits to lead is ready to.
      readiness: () =>
        Promise.resolve(
          election.isLeading() && !controller.hasSynced()
            ? 'the first lists are not read yet'
            : undefined,
        ),
    }),
    host: environment.HOST,
    port: environment.MANAGEMENT_PORT,
  });
  election.start();
  logger.info({ identity, management_port: management.port }, 'the operator waits to lead');
  return {
    managementPort: management.port,
    isLeading: election.isLeading,
    stop: async () => {
      stopping = true;
      await controller.stop();
      await election.stop();
      await management.stop(0);
      client.close();
    },
  };
};
