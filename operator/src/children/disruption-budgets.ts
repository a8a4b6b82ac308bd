import type { Manifest } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { selectorOf, type Component } from './labels.ts';
import { manifest } from './manifest.ts';

/**
 * A drain takes one pod at a time. With one replica it takes that one: a budget that forbids it would
 * block the drain for ever. Pods that are not ready never stand in its way.
 */
export const disruptionBudget = (
  resource: MovieTicketing,
  component: Component,
  name: string,
): Manifest =>
  manifest(
    resource,
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', name, component },
    {
      spec: {
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: { matchLabels: selectorOf(resource, component) },
      },
    },
  );
