import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { Finding } from '../steps/step.ts';
import { serviceNames, type ServiceName } from './names.ts';
import { withDefaults } from './postgres/postgres-parameters.ts';

/** How many connections each pod may open, so that all pods together never exhaust PostgreSQL. */

export const largestPool = 10;
/** One for a transaction that waits, one for the others. */
export const smallestPool = 2;

/** One connection each of a migration, a seed, a backup, its verification and an audit; three for people. */
const otherConnections = 8;

/** A roll-out starts one pod before it ends one. */
const surge = 1;

export type Budget = {
  /** Connections of each pod. */
  pool: number;
  /** With pools of that size. */
  needed: number;
  /** Undefined where it is not known. */
  available: number | undefined;
};

/** @param pods the most pods of all services at a time */
export const connectionBudget = (pods: number, available: number | undefined): Budget => {
  const fitting = available === undefined ? largestPool : Math.floor(available / Math.max(pods, 1));
  const pool = Math.min(largestPool, Math.max(smallestPool, fitting));
  return { pool, needed: pods * pool, available };
};

export const mostPods = ({ spec }: MovieTicketing): number => {
  const of = (service: ServiceName): number => {
    const { replicas, autoscaling } = spec.services[service];
    const most = autoscaling?.maxReplicas ?? replicas;
    return most === 0 ? 0 : most + surge;
  };
  return serviceNames.reduce((sum, service) => sum + of(service), 0);
};

/** What PostgreSQL accepts from logins that are not superusers. */
const acceptedBy = (resource: MovieTicketing): number | undefined => {
  const { external, managed, cloudNativePG } = resource.spec.database;
  if (external !== undefined) return external.maxConnections;
  const parameters = withDefaults(managed?.parameters ?? cloudNativePG?.parameters);
  const number = (name: string, standard: number): number => {
    const value = Number(parameters[name] ?? standard);
    return Number.isInteger(value) ? value : standard;
  };
  const reserved = number('superuser_reserved_connections', 3) + number('reserved_connections', 0);
  return number('max_connections', 100) - reserved;
};

export const budgetOf = (resource: MovieTicketing): Budget => {
  const accepted = acceptedBy(resource);
  return connectionBudget(
    mostPods(resource),
    accepted === undefined ? undefined : Math.max(0, accepted - otherConnections),
  );
};

/** Even the smallest pools do not fit. */
export const budgetProblem = (resource: MovieTicketing): Finding | undefined => {
  const { needed, available } = budgetOf(resource);
  if (available === undefined || needed <= available) return undefined;
  const pods = mostPods(resource);
  const missing = needed - available;
  const { external, managed } = resource.spec.database;
  const cure =
    external === undefined
      ? `Raise spec.database.${managed === undefined ? 'cloudNativePG' : 'managed'}.parameters.max_connections by at least ${String(missing)} (PostgreSQL restarts)`
      : `Raise max_connections of the database and spec.database.external.maxConnections by at least ${String(missing)}`;
  return {
    reason: 'ConnectionBudgetExceeded',
    message: `PostgreSQL has ${String(available)} connections for the services, and ${String(pods)} pods need ${String(needed)}, ${String(smallestPool)} each. ${cure}, or lower maxReplicas or replicas of the services by ${String(Math.ceil(missing / smallestPool))} in all.`,
  };
};
