import { keyOfRef, type Manifest } from '../../objects/manifest.ts';
import { statusOf, type LiveCondition } from '../../objects/live.ts';
import { fieldOwner } from '../../objects/settings.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';
import type { NamedObject } from '../../steps/component.ts';
import type { Context, Finding } from '../../steps/step.ts';
import { shortened } from '../../steps/text.ts';
import { nameOf, type ServiceName } from '../names.ts';

/** Who sets the number of pods: the spec, or a HorizontalPodAutoscaler. It changes hands without a jump. */

const hpaKind = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' };
const deploymentKind = { apiVersion: 'apps/v1', kind: 'Deployment' };

const live = ({ observed, resource }: Context, kind: string, service: ServiceName) =>
  observed.owned.get(keyOfRef({ kind, name: nameOf(resource, service) }));

export const autoscaler = (service: ServiceName): NamedObject => ({
  ...hpaKind,
  component: service,
  when: ({ spec }) => spec.services[service].autoscaling?.external === false,
  name: (resource) => nameOf(resource, service),
  body: ({ resource }) => {
    const wanted = resource.spec.services[service].autoscaling;
    const cpu =
      wanted?.targetCPUUtilizationPercentage ?? (wanted?.metrics.length === 0 ? 70 : undefined);
    return {
      spec: {
        scaleTargetRef: { ...deploymentKind, name: nameOf(resource, service) },
        minReplicas: wanted?.minReplicas,
        maxReplicas: wanted?.maxReplicas,
        metrics: [...(cpu === undefined ? [] : [cpuMetric(cpu)]), ...(wanted?.metrics ?? [])],
        behavior: {
          scaleUp: {
            stabilizationWindowSeconds: 0,
            selectPolicy: 'Max',
            policies: [
              { type: 'Percent', value: 100, periodSeconds: 15 },
              { type: 'Pods', value: 4, periodSeconds: 15 },
            ],
          },
          scaleDown: {
            stabilizationWindowSeconds: 300,
            selectPolicy: 'Max',
            policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }],
          },
        },
      },
    };
  },
});

const cpuMetric = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

/**
 * The number of pods that the Deployment's manifest has; undefined: it has none, and the number stays what
 * the autoscaler set. While a former autoscaler still exists it would set the number back.
 */
export const replicasOf = (context: Context, service: ServiceName): number | undefined => {
  const { replicas, autoscaling } = context.resource.spec.services[service];
  if (live(context, 'Deployment', service) === undefined) {
    return autoscaling?.minReplicas ?? replicas;
  }
  const isScaled = autoscaling !== undefined || live(context, hpaKind.kind, service) !== undefined;
  return isScaled ? undefined : replicas;
};

type ManagedField = { manager?: string; operation?: string; fieldsV1?: { 'f:spec'?: object } };

const ownsReplicas = ({ metadata }: KubeObject): boolean =>
  ((metadata as { managedFields?: ManagedField[] }).managedFields ?? []).some(
    ({ manager, operation, fieldsV1 }) =>
      manager === fieldOwner &&
      operation === 'Apply' &&
      'f:replicas' in (fieldsV1?.['f:spec'] ?? {}),
  );

/**
 * An apply without a field that this operator has set removes the field, and a Deployment without replicas
 * has one. So the live number gets a second owner first.
 */
export const keptReplicas = (context: Context, service: ServiceName): Manifest[] => {
  const deployment = live(context, 'Deployment', service);
  if (deployment === undefined || !ownsReplicas(deployment)) return [];
  if (replicasOf(context, service) !== undefined) return [];
  const { replicas } = deployment['spec'] as { replicas?: number };
  const { name, namespace } = context.resource.metadata;
  return [
    {
      ...deploymentKind,
      metadata: {
        name: nameOf({ metadata: { name } }, service),
        namespace,
        labels: {},
        annotations: {},
      },
      spec: { replicas },
    },
  ];
};

const graceMs = 300_000;

/** An autoscaler that gets no metrics keeps the number of pods that there is. */
export const autoscalerProblem = (context: Context, service: ServiceName): Finding | undefined => {
  if (context.resource.spec.services[service].autoscaling === undefined) return undefined;
  const { conditions } = statusOf<{ conditions: LiveCondition[] }>(
    live(context, hpaKind.kind, service),
  );
  const inactive = conditions?.find(
    ({ type, status, reason }) =>
      type === 'ScalingActive' && status === 'False' && reason !== 'ScalingDisabled',
  );
  const since = Date.parse(inactive?.lastTransitionTime ?? '');
  if (!(context.observed.now.getTime() - since > graceMs)) return undefined;
  return {
    reason: 'AutoscalerInactive',
    message: `The HorizontalPodAutoscaler of ${service} gets no metrics and keeps the number of pods: ${shortened(inactive?.message ?? '')}. CPU needs metrics-server (kubectl top pods).`,
  };
};
