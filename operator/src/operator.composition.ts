import { randomUUID } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from '@movie-ticketing/kit/logging';
import { managementListener } from '@movie-ticketing/kit/management';
import type { Registry } from '@movie-ticketing/kit/metrics';
import { startServer } from '@movie-ticketing/kit/server';

import { settingsFrom, type OperatorEnvironment } from './operator.environment.ts';
import { makeTicketingController } from './reconcile/controller.ts';
import { fieldOwner } from './objects/settings.ts';
import { makeKubeClient, refuseWritesUnless } from './runtime/client.ts';
import type { Controller } from './runtime/controller.ts';
import { makeEventRecorder } from './runtime/events.ts';
import { LeaderElection } from './runtime/leader-election.ts';

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

/** Of the ten seconds that a stop may take. */
const drainMs = 5_000;

/** Reflectors cut and resume a silent watch long before: then they are stuck. */
const longestSilenceMs = 15 * 60_000;

/** Wires the operator and starts it: it waits to lead, and works while it does. */
export const startOperator = async (options: OperatorOptions): Promise<RunningOperator> => {
  const { environment, kubeConfig, logger, registry, onLost } = options;
  const client = makeKubeClient({ kubeConfig, fieldManager: fieldOwner, registry });
  // Unlike a former self's: a restarted container keeps its pod's name.
  const identity = `${environment.POD_NAME}_${randomUUID().slice(0, 8)}`;
  const election = new LeaderElection({
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
  const recorder = makeEventRecorder({ client, component: fieldOwner, instance: identity, logger });
  const controller = makeTicketingController({
    client: refuseWritesUnless(client, election.isLeading),
    settings: settingsFrom(environment),
    recordEvent: recorder.record,
    logger,
    registry,
    namespaces: environment.WATCH_NAMESPACES,
    workers: environment.CONCURRENCY,
  });
  const management = await startManagement(options, { election, controller });
  election.start();
  logger.info({ identity, management_port: management.port }, 'the operator waits to lead');
  return {
    managementPort: management.port,
    isLeading: election.isLeading,
    stop: async () => {
      management.sayStopping();
      await controller.stop(drainMs);
      await recorder.stop(1_000);
      await election.stop();
      await management.stop();
    },
  };
};

type Parts = { election: LeaderElection; controller: Controller };

const startManagement = async (
  { environment, registry }: OperatorOptions,
  { election, controller }: Parts,
): Promise<{ port: number; sayStopping: () => void; stop: () => Promise<void> }> => {
  let stopping = false;
  // One that waits to lead is ready to.
  const missing = (): string | undefined =>
    election.isLeading() && !controller.hasSynced() ? 'the first lists are not read' : undefined;
  const server = await startServer({
    listener: managementListener({
      registry,
      isStopping: () => stopping,
      readiness: () => Promise.resolve(missing()),
      ailment: () =>
        election.isLeading() && controller.lastEventAgeMs() > longestSilenceMs
          ? 'nothing was heard from the API server for too long'
          : undefined,
    }),
    host: environment.HOST,
    port: environment.MANAGEMENT_PORT,
  });
  return {
    port: server.port,
    sayStopping: () => {
      stopping = true;
    },
    stop: () => server.stop(0),
  };
};
