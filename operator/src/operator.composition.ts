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
  /** Called when leadership was lost: the process must exit. */
  onLost: () => void;
};

export type RunningOperator = {
  managementPort: number;
  isLeading: () => boolean;
  /** Waits for running work, then releases the Lease, so that another replica leads at once. */
  stop: () => Promise<void>;
};

/** A stop may take ten seconds in all. */
const drainMs = 5_000;

/** Reflectors resume a silent watch much earlier, so a longer silence means that they are stuck. */
const maxSilenceMs = 15 * 60_000;

/** Wires the operator and starts it: it waits to become the leader, then reconciles. */
export const startOperator = async (options: OperatorOptions): Promise<RunningOperator> => {
  const { environment, kubeConfig, logger, registry, onLost } = options;
  const client = makeKubeClient({ kubeConfig, fieldManager: fieldOwner, registry });
  // Random, because a restarted container keeps the name of its pod.
  const identity = `${environment.POD_NAME}_${randomUUID().slice(0, 8)}`;
  const election = new LeaderElection({
    client,
    namespace: environment.POD_NAMESPACE,
    name: environment.LEASE_NAME,
    identity,
    onLeading: () => {
      controller.start();
    },
    onLost: (reason) => {
      logger.error({ reason }, 'leader election lost, exiting');
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
  logger.info({ identity, management_port: management.port }, 'waiting to become the leader');
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
  // A replica that waits to become the leader is ready.
  const missing = (): string | undefined =>
    election.isLeading() && !controller.hasSynced()
      ? 'the first lists were not read yet'
      : undefined;
  const server = await startServer({
    listener: managementListener({
      registry,
      isStopping: () => stopping,
      readiness: () => Promise.resolve(missing()),
      unhealthyReason: () =>
        election.isLeading() && controller.lastEventAgeMs() > maxSilenceMs
          ? 'no response from the API server for 15 minutes'
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
