import { z } from 'zod';

import { quantityToNumber } from './quantity.ts';

/** Building blocks of the resource's schema: each carries what zod checks and what the CRD says. */

/** A rule in CEL that the API server checks, with what to do in its message. */
export const rule = (expression: string, message: string) => ({ rule: expression, message });

/**
 * A string of a form. In the CRD the form stands as a rule and not as a `pattern`: a rule's message is
 * ours, a pattern's is the pattern.
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

const cpu = text(
  /^([0-9]+(\.[0-9]{1,3})?|[1-9][0-9]*m)$/,
  16,
  'must be a number of cores, for instance 500m or 2',
);

/** A size with its unit: a bare number would be bytes, which nobody means. */
export const byteSize = text(
  /^[1-9][0-9]*(\.[0-9]+)?(M|G|T|Mi|Gi|Ti)$/,
  16,
  'must be a size with its unit, for instance 512Mi or 2Gi',
);

const amounts = (whose: string) =>
  z.strictObject({
    cpu: cpu.meta({ description: `Cores that ${whose}, for instance 500m.` }).exactOptional(),
    memory: byteSize
      .meta({ description: `Memory that ${whose}, for instance 512Mi.` })
      .exactOptional(),
  });

type Amounts = { cpu?: string; memory?: string };

const within = (part: 'cpu' | 'memory', requests?: Amounts, limits?: Amounts): boolean => {
  const [asked, allowed] = [requests?.[part], limits?.[part]];
  if (asked === undefined || allowed === undefined) return true;
  return quantityToNumber(asked) <= quantityToNumber(allowed);
};

const withinRule = (part: 'cpu' | 'memory') => {
  const has = (path: string): string => `has(self.${path}) && has(self.${path}.${part})`;
  const [asked, allowed] = [`self.requests.${part}`, `self.limits.${part}`];
  const comparable = `${has('requests')} && ${has('limits')} && isQuantity(${asked}) && isQuantity(${allowed})`;
  return rule(
    `!(${comparable}) || quantity(${asked}).compareTo(quantity(${allowed})) <= 0`,
    `requests.${part} exceeds limits.${part}: lower the request or raise the limit`,
  );
};

export const resources = z
  .strictObject({
    requests: amounts('a pod is promised')
      .meta({ description: 'What a pod is promised.' })
      .exactOptional(),
    limits: amounts('a pod may use at most')
      .meta({ description: 'What a pod may use at most.' })
      .exactOptional(),
  })
  .refine(({ requests, limits }) => within('cpu', requests, limits), {
    message: 'requests.cpu exceeds limits.cpu: lower the request or raise the limit',
  })
  .refine(({ requests, limits }) => within('memory', requests, limits), {
    message: 'requests.memory exceeds limits.memory: lower the request or raise the limit',
  })
  .meta({
    description:
      'CPU and memory that a pod asks for and may use; unset parts keep the operator’s defaults.',
    'x-kubernetes-validations': [withinRule('cpu'), withinRule('memory')],
  });
