import { z } from 'zod';

import {
  byNames,
  labelNameForm,
  labelNameMessage,
  labelValue,
  objectName,
  rule,
} from './spec-fields.ts';

const OWN_FORM = /^(app\.kubernetes\.io|movieticketing\.io)\//;
const OWN_MESSAGE =
  'the operator sets labels and annotations of app.kubernetes.io and movieticketing.io';

const notOwn = {
  refine: (entries: Record<string, string>): boolean =>
    !Object.keys(entries).some((name) => OWN_FORM.test(name)),
  rule: rule(`!self.exists(name, name.matches(r'${OWN_FORM.source}'))`, OWN_MESSAGE),
};

const entries = (value: z.ZodType<string>, nameMessage: string, description: string) => {
  const map = byNames({ nameForm: labelNameForm, nameMessage, value, maxProperties: 20 });
  const rules = (map.meta()?.['x-kubernetes-validations'] ?? []) as object[];
  return map
    .refine(notOwn.refine, OWN_MESSAGE)
    .default({})
    .meta({
      description,
      maxProperties: 20,
      'x-kubernetes-validations': [...rules, notOwn.rule],
    });
};

/** In the format of Kubernetes, which checks it when a pod is created. */
const kubernetesObject = (description: string) =>
  z
    .record(z.string(), z.unknown())
    .meta({ description, 'x-kubernetes-preserve-unknown-fields': true });

/** `spec.pods`. */
export const pods = z
  .strictObject({
    labels: entries(labelValue, labelNameMessage, 'More labels of every pod.'),
    annotations: entries(
      z.string().max(10_000),
      'must be names of annotations, for instance example.com/team',
      'More annotations of every pod.',
    ),
    nodeSelector: byNames({
      nameForm: labelNameForm,
      nameMessage: labelNameMessage,
      value: labelValue,
      maxProperties: 20,
    })
      .meta({ description: 'Labels that a node must have.' })
      .default({}),
    tolerations: z
      .array(kubernetesObject('A toleration, as in the spec of a pod.'))
      .max(20)
      .default([])
      .meta({ description: 'Taints of nodes that pods accept.' }),
    affinity: kubernetesObject('Rules that place pods, as in the spec of a pod.').exactOptional(),
    priorityClassName: objectName('The PriorityClass of every pod.').exactOptional(),
  })
  .prefault({})
  .meta({ description: 'All pods: of the services, the gateway, the database and Jobs.' });
