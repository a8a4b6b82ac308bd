import { z } from 'zod';

import { byNames, rule, text } from './spec-fields.ts';

const LABEL_FORM =
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_MESSAGE = 'must be names of labels, for instance kubernetes.io/metadata.name';
const VALUE_FORM = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const VALUE_MESSAGE = 'must be the value of a label: at most 63 letters, digits, -, _ and .';

const labelValue = text(VALUE_FORM, 63, VALUE_MESSAGE);

const VALUES_MESSAGE = 'set values for the operators In and NotIn, and only for them';

const requirement = z
  .strictObject({
    key: text(LABEL_FORM, 317, LABEL_MESSAGE).meta({ description: 'Name of the label.' }),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
      .meta({ description: 'How the label is compared with the values.' }),
    values: z
      .array(labelValue)
      .max(10)
      .default([])
      .meta({ description: 'For the operators In and NotIn.' }),
  })
  .refine(({ operator, values }) => operator.endsWith('In') === values.length > 0, VALUES_MESSAGE)
  .meta({
    description: 'A condition on one label.',
    'x-kubernetes-validations': [
      rule("self.operator.endsWith('In') == (self.values.size() > 0)", VALUES_MESSAGE),
    ],
  });

const namespaceSelector = z
  .strictObject({
    matchLabels: byNames({
      nameForm: LABEL_FORM,
      nameMessage: LABEL_MESSAGE,
      value: labelValue,
      maxProperties: 10,
    })
      .default({})
      .meta({ description: 'Labels that a namespace must have.' }),
    matchExpressions: z
      .array(requirement)
      .max(10)
      .default([])
      .meta({ description: 'Conditions on the labels of a namespace.' }),
  })
  .meta({ description: 'A selector of namespaces. {} selects all.' });

/** `spec.monitoring`. */
export const monitoring = z
  .strictObject({
    allowFrom: z.array(namespaceSelector).max(10).default([]).meta({
      description:
        'Namespaces whose pods may read metrics (port 9090) where network policies are enforced. None by default.',
    }),
  })
  .prefault({})
  .meta({ description: 'Access for monitoring.' });
