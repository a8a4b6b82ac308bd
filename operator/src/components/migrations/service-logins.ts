import { shortHash } from '../../objects/hash.ts';
import { keyOfRef } from '../../objects/manifest.ts';
import { isTerminating, statusOf, type DeploymentStatus } from '../../objects/live.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';
import type { NamedObject } from '../../steps/component.ts';
import type { Context, Finding } from '../../steps/step.ts';
import { timestamp } from '../../steps/text.ts';
import {
  hasProgramLogins,
  loginKeys,
  loginsSecretName,
  nameOf,
  programs,
  serviceNames,
  type Program,
  type ServiceName,
} from '../names.ts';
import { encoded, findContent } from '../secret-contents.ts';

/**
 * The logins of the services and of the seed in the managed database. Each program has two names, of which
 * one is in use; a rotation goes over to the other one:
 *
 *   steady    one login is open
 *   opening   a second one has a password; once the migration Job has set it, the two are exchanged
 *   closing   pods go over to the new login; once no pod uses the former one, it is dropped from the
 *             Secret, and the Job locks it
 *
 * Each state is in the Secret alone, so an operator that is killed goes on where it was.
 */

type Login = { username: string; password: string };
type ByProgram = Readonly<Record<Program, Login>>;

type State = 'steady' | 'opening' | 'closing';
type Logins = { state: State; setAt: string; current: ByProgram; second?: ByProgram };

const stateAnnotation = 'movieticketing.io/rotation';
const setAtAnnotation = 'movieticketing.io/passwords-set-at';
/** On the resource: passwords that were set before this time are rotated. */
export const rotateAnnotation = 'movieticketing.io/rotate-database-passwords';

/** Of a service's pods: with which login they run. */
export const loginAnnotation = 'movieticketing.io/database-login';

const byProgram = (make: (program: Program) => Login): ByProgram =>
  Object.fromEntries(programs.map((program) => [program, make(program)])) as ByProgram;

const fresh = ({ observed }: Context, suffix: 'a' | 'b'): ByProgram =>
  byProgram((program) => ({
    username: `mt_${program}_${suffix}`,
    password: observed.fresh.loginPasswords[program],
  }));

const decoded = (secret: KubeObject, key: string): string | undefined => {
  const value = (secret['data'] as Record<string, string> | undefined)?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
};

const readAll = (secret: KubeObject, which: 'current' | 'second'): ByProgram | undefined => {
  const found = programs.flatMap((program) => {
    const keys = loginKeys(program, which);
    const username = decoded(secret, keys.username);
    const password = decoded(secret, keys.password) ?? '';
    const isKnown = username === `mt_${program}_a` || username === `mt_${program}_b`;
    return isKnown && password !== '' ? [[program, { username, password }] as const] : [];
  });
  return found.length === programs.length ? (Object.fromEntries(found) as ByProgram) : undefined;
};

const loginsIn = (secret: KubeObject | undefined): Logins | undefined => {
  if (secret === undefined || isTerminating(secret)) return undefined;
  const current = readAll(secret, 'current');
  if (current === undefined) return undefined;
  const second = readAll(secret, 'second');
  const { [stateAnnotation]: state, [setAtAnnotation]: setAt = '' } =
    secret.metadata.annotations ?? {};
  if (second === undefined) return { state: 'steady', setAt, current };
  return { state: state === 'closing' ? 'closing' : 'opening', setAt, current, second };
};

const liveLogins = (context: Context): Logins | undefined =>
  loginsIn(findContent(context, 'Secret', loginsSecretName(context.resource)));

/** Identifies the logins that are open and their passwords, whichever of two is in use. */
const hashOf = ({ current, second }: Logins): string =>
  shortHash(
    [...Object.values(current), ...Object.values(second ?? {})]
      .map(({ username, password }) => [username, password])
      .sort(),
  );

/** What the migration Job is to set; undefined while there is no Secret, or for an external database. */
export const wantedLoginsHash = (context: Context): string | undefined => {
  if (!hasProgramLogins(context.resource)) return undefined;
  const live = liveLogins(context);
  return live === undefined ? undefined : hashOf(live);
};

/** The login of a service's pods: a hash of it, or what is missing. */
export const serviceLogin = (
  context: Context,
  service: ServiceName,
): { hash: string } | Finding => {
  const live = liveLogins(context);
  return live === undefined
    ? { reason: 'Waiting', message: 'Creating the logins of the services.' }
    : { hash: shortHash(live.current[service]) };
};

/** The migration Job has set the passwords of the logins that are in the Secret. */
const areSet = ({ resource }: Context, logins: Logins): boolean =>
  resource.status?.migrations?.logins === hashOf(logins);

/** Every pod of the services runs with the current login, and none of an earlier roll-out is left. */
const areInUse = ({ observed, resource }: Context, { current }: Logins): boolean =>
  serviceNames.every((service) => {
    const live = observed.owned.get(
      keyOfRef({ kind: 'Deployment', name: nameOf(resource, service) }),
    );
    if (live === undefined) return false;
    const hash = shortHash(current[service]);
    const { observedGeneration = 0, updatedReplicas = 0 } = statusOf<DeploymentStatus>(live);
    const { replicas, template } = live['spec'] as {
      replicas?: number;
      template: { metadata: { annotations?: Record<string, string> } };
    };
    return (
      template.metadata.annotations?.[loginAnnotation] === hash &&
      observedGeneration >= (live.metadata.generation ?? 0) &&
      updatedReplicas === (replicas ?? 1) &&
      observed.pods
        .filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === service)
        .every(({ metadata }) => metadata.annotations?.[loginAnnotation] === hash)
    );
  });

const dayMs = 86_400_000;

const isDue = ({ observed, resource }: Context, { setAt }: Logins): boolean => {
  const since = Date.parse(setAt);
  // To the second, as `setAt`: otherwise a request would be older than the passwords that it asked for.
  const asked = Date.parse(resource.metadata.annotations?.[rotateAnnotation] ?? '');
  const requested = Math.floor(asked / 1_000) * 1_000;
  const days = resource.spec.rotation.databasePasswords?.everyDays;
  const now = observed.now.getTime();
  if (Number.isNaN(since)) return days !== undefined || requested <= now;
  return (
    (requested > since && requested <= now) || (days !== undefined && now - since >= days * dayMs)
  );
};

/** The logins after the next step of a rotation; where nothing is to be done, those of the Secret. */
const nextLogins = (context: Context): Logins => {
  const live = liveLogins(context);
  const setAt = timestamp(context.observed.now);
  if (live === undefined) return { state: 'steady', setAt, current: fresh(context, 'a') };
  const { state, current, second } = live;
  if (state === 'opening' && second !== undefined) {
    return areSet(context, live)
      ? { ...live, state: 'closing', current: second, second: current }
      : live;
  }
  if (state === 'closing') {
    return areInUse(context, live) ? { state: 'steady', setAt: live.setAt, current } : live;
  }
  const isCalm = context.installed && areSet(context, live) && areInUse(context, live);
  if (!isCalm || !isDue(context, live)) return live;
  const other = current.users.username.endsWith('_a') ? 'b' : 'a';
  return { state: 'opening', setAt, current, second: fresh(context, other) };
};

const dataOf = (logins: Logins): Record<string, string> =>
  Object.fromEntries(
    (['current', 'second'] as const).flatMap((which) =>
      programs.flatMap((program) => {
        const login = logins[which]?.[program];
        const keys = loginKeys(program, which);
        return login === undefined
          ? []
          : [
              [keys.username, login.username],
              [keys.password, login.password],
            ];
      }),
    ),
  );

/** Deleting it sets new passwords. */
export const loginsSecret: NamedObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  component: 'migrations',
  when: hasProgramLogins,
  name: loginsSecretName,
  annotations: (context) => {
    const { state, setAt } = nextLogins(context);
    return { [stateAnnotation]: state, [setAtAnnotation]: setAt };
  },
  body: (context) => ({ type: 'Opaque', data: encoded(dataOf(nextLogins(context))) }),
  // POST: a Secret that was created meanwhile is not overwritten.
  initialBody: () => ({}),
};

/** For the status: when the passwords in use were set, and whether a rotation is under way. */
export const rotationRecord = (context: Context): { setAt: string; state: State } | undefined => {
  const live = liveLogins(context);
  return live === undefined ? undefined : { setAt: live.setAt, state: live.state };
};
