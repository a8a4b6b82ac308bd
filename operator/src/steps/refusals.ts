import type { ObjectKey } from '../objects/manifest.ts';
import { keyOf } from '../objects/manifest.ts';
import type { Observed } from './observed.ts';
import type { Finding } from './step.ts';
import { shortened } from './text.ts';

/** What the API server refused of these objects in the last reconcile. */
export const refusalOf = (
  { refusals }: Observed,
  objects: readonly { kind: string; metadata: { name: string } }[],
): Finding | undefined => {
  for (const object of objects) {
    const refusal = refusals.get(keyOf(object));
    if (refusal !== undefined)
      return explainRefusal(keyOf(object), refusal.message, refusal.status);
  }
  return undefined;
};

export const explainRefusal = (key: ObjectKey, message: string, status?: number): Finding => {
  const detail = `${key}: ${shortened(message)}`;
  if (message.includes('port is already allocated')) {
    return {
      reason: 'NodePortTaken',
      message: `Another Service uses the port. Set spec.gateway.service.nodePort to a free port, or delete the other Service. ${detail}`,
    };
  }
  if (message.includes('exceeded quota')) {
    return {
      reason: 'QuotaExceeded',
      message: `The namespace's quota is exhausted. Raise it, or lower replicas and resources. ${detail}`,
    };
  }
  // Admission also answers 403; only missing rights are reported as "cannot VERB resource".
  if (status === 401 || /\bcannot \w+ resource\b/.test(message)) {
    return {
      reason: 'OperatorForbidden',
      message: `The operator lacks the permission for this write. Apply its Role and RoleBinding again (k8s/base). ${detail}`,
    };
  }
  return {
    reason: 'ApplyRefused',
    message: `The API server refused an object. Correct the part of spec that the message names. ${detail}`,
  };
};
