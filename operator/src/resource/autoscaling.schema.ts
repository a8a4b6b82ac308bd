import { z } from 'zod';

import { rule } from './spec-fields.ts';

const ORDER =
  'autoscaling.minReplicas exceeds autoscaling.maxReplicas: lower the one or raise the other';

/** `spec.services.*.autoscaling`. */
export const autoscaling = z
  .strictObject({
    minReplicas: z.int().min(1).max(50).default(2).meta({ description: 'Fewest pods.' }),
    maxReplicas: z.int().min(1).max(50).meta({ description: 'Most pods.' }),
    external: z.boolean().default(false).meta({
      description:
        'Another autoscaler, such as a ScaledObject of KEDA, sets the number of pods: no HorizontalPodAutoscaler is made.',
    }),
    targetCPUUtilizationPercentage: z.int().min(1).max(100).exactOptional().meta({
      description:
        'Average use of the requested CPU that is aimed at. 70 unless set, and none where metrics are set.',
    }),
    metrics: z
      .array(
        z.record(z.string(), z.unknown()).meta({ 'x-kubernetes-preserve-unknown-fields': true }),
      )
      .max(10)
      .default([])
      .meta({
        description:
          'More metrics, in the format of HorizontalPodAutoscaler (autoscaling/v2) spec.metrics.',
      }),
  })
  .refine(({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas, { message: ORDER })
  .meta({
    description:
      'A HorizontalPodAutoscaler sets the number of pods, and replicas is ignored. CPU needs metrics-server.',
    'x-kubernetes-validations': [rule('self.minReplicas <= self.maxReplicas', ORDER)],
  });
