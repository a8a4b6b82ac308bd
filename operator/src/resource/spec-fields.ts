import { z } from 'zod';

import { quantityToNumber } from './quantity.ts';

/**
 * Building blocks of the custom resource's schema. Each carries what zod checks and the same check in
 * CEL for the API server, with one message.
 */

/** A CEL rule that the API server checks. Its message says what to do. */
export const rule = (expression: string, message: string) => ({ rule: expression, message });

/**
 * A string of a given form. The CRD has the form as a CEL rule and not as a `pattern`, because the
 * message of a pattern is the pattern itself.
 * @param form must be RE2, anchored, without single quotes
 */
export const text = (form: RegExp, maxLength: number, message: string) =>
  z
    .string()
    .max(maxLength)
    .regex(form, message)
    .meta({ 'x-kubernetes-validations': [rule(`self.matches(r'${form.source}')`, message)] });

export const objectName = (description: string) =>
  text(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    253,
    'must be the name of an object: lower-case letters, digits, - and .',
  ).meta({ description });

/** A map whose names have a given form. */
export const byNames = <Value extends z.ZodType>(options: {
  nameForm: RegExp;
  nameMessage: string;
  value: Value;
  maxProperties: number;
}) =>
  z
    .record(z.string().regex(options.nameForm, options.nameMessage), options.value)
    .refine(
      (record) => Object.keys(record).length <= options.maxProperties,
      `at most ${String(options.maxProperties)}`,
    )
    .meta({
      maxProperties: options.maxProperties,
      'x-kubernetes-validations': [
        rule(`self.all(name, name.matches(r'${options.nameForm.source}'))`, options.nameMessage),
      ],
    });

/** Names of labels and annotations, with an optional prefix. */
export const labelNameForm =
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
export const labelNameMessage = 'must be names of labels, for instance kubernetes.io/metadata.name';

export const labelValue = text(
  /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/,
  63,
  'must be the value of a label: at most 63 letters, digits, -, _ and .',
);

/** One key of a Secret or ConfigMap. */
export const keyReference = (description: string, keyDescription: string, defaultKey?: string) => {
  const key = text(
    /^[-._a-zA-Z0-9]+$/,
    253,
    'must be a key of a Secret or ConfigMap: letters, digits, -, _ and .',
  ).meta({ description: keyDescription });
  return z
    .strictObject({
      name: objectName('Name of the object, in the namespace of the custom resource.'),
      key: defaultKey === undefined ? key : key.default(defaultKey),
    })
    .meta({ description });
};

const CPU_FORM = /^([0-9]+(\.[0-9]{1,3})?|[1-9][0-9]*m)$/;
const CPU_MESSAGE = 'must be a number of cores, for instance 500m or 2';

/** YAML reads `cpu: 1` as a number, so a whole number is accepted beside a string. */
const cpu = z
  .union([z.int().min(0).max(1_000), z.string().max(16).regex(CPU_FORM, CPU_MESSAGE)])
  .transform(String)
  .meta({
    'x-kubernetes-int-or-string': true,
    'x-kubernetes-validations': [
      rule(
        `type(self) == int ? self >= 0 && self <= 1000 : self.matches(r'${CPU_FORM.source}')`,
        CPU_MESSAGE,
      ),
    ],
  });

/** A size with its unit. A number without a unit would mean bytes, which is never intended. */
export const byteSize = text(
  /^[1-9][0-9]*(\.[0-9]+)?(M|G|T|Mi|Gi|Ti)$/,
  16,
  'must be a size with its unit, for instance 512Mi or 2Gi',
);

const amounts = (purpose: string) =>
  z.strictObject({
    cpu: cpu.meta({ description: `CPU ${purpose}, in cores: 1 or 500m.` }).exactOptional(),
    memory: byteSize
      .meta({ description: `Memory ${purpose}, for instance 512Mi.` })
      .exactOptional(),
  });

type Amounts = { cpu?: string; memory?: string };

const within = (part: 'cpu' | 'memory', requests?: Amounts, limits?: Amounts): boolean => {
  const [requested, limit] = [requests?.[part], limits?.[part]];
  if (requested === undefined || limit === undefined) return true;
  return quantityToNumber(requested) <= quantityToNumber(limit);
};

const withinMessage = (part: 'cpu' | 'memory'): string =>
  `requests.${part} exceeds limits.${part}: lower the request or raise the limit`;

const withinRule = (part: 'cpu' | 'memory') => {
  const has = (path: string): string => `has(self.${path}) && has(self.${path}.${part})`;
  // A CPU may be a number.
  const value = (path: string): string => (part === 'cpu' ? `string(${path})` : path);
  const requested = value(`self.requests.${part}`);
  const limit = value(`self.limits.${part}`);
  const comparable = `${has('requests')} && ${has('limits')} && isQuantity(${requested}) && isQuantity(${limit})`;
  return rule(
    `!(${comparable}) || quantity(${requested}).compareTo(quantity(${limit})) <= 0`,
    withinMessage(part),
  );
};

/** Resource requests and limits of a container. */
export const resources = z
  .strictObject({
    requests: amounts('reserved for a pod')
      .meta({ description: 'What is reserved for a pod.' })
      .exactOptional(),
    limits: amounts('a pod may use')
      .meta({ description: 'What a pod may use at most.' })
      .exactOptional(),
  })
  .refine(({ requests, limits }) => within('cpu', requests, limits), {
    message: withinMessage('cpu'),
  })
  .refine(({ requests, limits }) => within('memory', requests, limits), {
    message: withinMessage('memory'),
  })
  .meta({
    description: 'Resource requests and limits. Unset fields keep the operator’s defaults.',
    'x-kubernetes-validations': [withinRule('cpu'), withinRule('memory')],
  });
