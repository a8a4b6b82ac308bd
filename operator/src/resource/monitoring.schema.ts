import { z } from 'zod';

import { byNames, labelNameForm, labelNameMessage, labelValue, rule, text } from './spec-fields.ts';

const VALUES_MESSAGE = 'set values for the operators In and NotIn, and only for them';

const requirement = z
  .strictObject({
    key: text(labelNameForm, 317, labelNameMessage).meta({ description: 'Name of the label.' }),
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
      nameForm: labelNameForm,
      nameMessage: labelNameMessage,
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
    podMonitor: z
      .strictObject({
        enabled: z.boolean().default(false).meta({
          description:
            'Make a PodMonitor for the metrics of the services. Needs the Prometheus operator; allow its namespace in allowFrom.',
        }),
        labels: byNames({
          nameForm: labelNameForm,
          nameMessage: labelNameMessage,
          value: labelValue,
          maxProperties: 10,
        })
          .default({})
          .meta({ description: 'Labels by which a Prometheus selects its PodMonitors.' }),
      })
      .prefault({})
      .meta({ description: 'A PodMonitor of the Prometheus operator.' }),
    traces: z
      .strictObject({
        endpoint: text(
          /^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?$/,
          253,
          'must be a URL without a path, for instance http://collector.monitoring:4318',
        ).meta({ description: 'Receives the spans of the services over OTLP/HTTP.' }),
      })
      .exactOptional()
      .meta({ description: 'Send a span for each request. None are made unless set.' }),
    allowFrom: z.array(namespaceSelector).max(10).default([]).meta({
      description:
        'Namespaces whose pods may read metrics (port 9090) where network policies are enforced. None by default.',
    }),
  })
  .prefault({})
  .meta({ description: 'Monitoring.' });
