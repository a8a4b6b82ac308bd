import { shortHash } from '../objects/hash.ts';
import { isTerminating } from '../objects/live.ts';
import { keyOfRef } from '../objects/manifest.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import type { Context, Finding } from '../steps/step.ts';
import { databaseTarget, externalLoginName, rootCertificate } from './database-connection.ts';
import type { ServiceName } from './names.ts';

type ContentKind = 'Secret' | 'ConfigMap';

/** A Secret or ConfigMap by its name, whether the resource owns it or a user created it. */
export const findContent = (
  { observed }: Context,
  kind: ContentKind,
  name: string,
): KubeObject | undefined => {
  const key = keyOfRef({ kind, name });
  return observed.referenced.get(key) ?? observed.owned.get(key);
};

/** The hash of a Secret's or ConfigMap's contents, or what it lacks. */
export const contentHash = (
  object: KubeObject | undefined,
  wanted: { kind?: ContentKind; name: string; keys: readonly string[] },
): { hash: string } | Finding => {
  const { kind = 'Secret', name, keys } = wanted;
  if (object === undefined || isTerminating(object)) {
    return {
      reason: `${kind}Missing`,
      message: `The ${kind} ${name} does not exist. Create it with the keys ${keys.join(' and ')}.`,
    };
  }
  const data = dataOf(object);
  const missing = keys.filter((key) => (data[key] ?? '') === '');
  return missing.length === 0
    ? { hash: shortHash(data) }
    : {
        reason: `${kind}Invalid`,
        message: `The ${kind} ${name} lacks ${missing.join(' and ')}. It needs the keys ${keys.join(' and ')}.`,
      };
};

const dataOf = (object: KubeObject): Record<string, string> => ({
  ...(object['binaryData'] as Record<string, string> | undefined),
  ...(object['data'] as Record<string, string> | undefined),
});

/** A Secret with a login: the hash of its contents, or what it lacks. */
const loginIn = (context: Context, name: string): { hash: string } | Finding =>
  contentHash(findContent(context, 'Secret', name), { name, keys: ['username', 'password'] });

/** The login of the migrations. */
export const databaseLogin = (context: Context): { hash: string } | Finding =>
  loginIn(context, databaseTarget(context.resource).secretName);

/** A service's login in an external database. */
export const externalLogin = (context: Context, service: ServiceName): { hash: string } | Finding =>
  loginIn(context, externalLoginName(context.resource, service));

/** The authorities that sign the database's certificate: a hash of them, or what is missing; undefined: none. */
export const databaseAuthorities = (context: Context): { hash: string } | Finding | undefined => {
  const wanted = rootCertificate(context.resource);
  if (wanted === undefined) return undefined;
  const { kind, name, key } = wanted;
  const object = findContent(context, kind, name);
  const found = contentHash(object, { kind, name, keys: [key] });
  return 'reason' in found || object === undefined
    ? found
    : { hash: shortHash(dataOf(object)[key]) };
};

/** Secret data as the API server stores it. */
export const encoded = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
