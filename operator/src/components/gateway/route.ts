import { statusOf, type LiveCondition } from '../../objects/live.ts';
import { keyOfRef } from '../../objects/manifest.ts';
import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import { missingKind, type NamedObject } from '../../steps/component.ts';
import {
  done,
  waiting,
  type Context,
  type Finding,
  type Step,
  type StepResult,
} from '../../steps/step.ts';
import { shortened } from '../../steps/text.ts';
import { nameOf } from '../names.ts';

/** How clients outside the cluster reach the gateway by name: an HTTPRoute, an Ingress, or both while changing over. */

const name = (resource: MovieTicketing): string => nameOf(resource, 'gateway');

const servicePortOf = ({ spec }: MovieTicketing): number =>
  spec.gateway.tls === undefined ? 80 : 443;

export const httpRoute: NamedObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  component: 'gateway',
  optional: { install: 'Install the Gateway API and an implementation of it' },
  when: ({ spec }) => spec.gateway.httpRoute !== undefined,
  name,
  body: ({ resource }) => ({
    spec: {
      parentRefs: resource.spec.gateway.httpRoute?.parentRefs,
      hostnames: resource.spec.gateway.httpRoute?.hostnames,
      rules: [{ backendRefs: [{ name: name(resource), port: servicePortOf(resource) }] }],
    },
  }),
};

export const ingress: NamedObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  component: 'gateway',
  when: ({ spec }) => spec.gateway.ingress !== undefined,
  name,
  annotations: ({ resource }) => resource.spec.gateway.ingress?.annotations ?? {},
  body: ({ resource }) => {
    const { className, host, tlsSecretName } = resource.spec.gateway.ingress ?? {};
    const service = { name: name(resource), port: { name: 'web' } };
    return {
      spec: {
        ...(className === undefined ? {} : { ingressClassName: className }),
        ...(tlsSecretName === undefined
          ? {}
          : { tls: [{ hosts: [host], secretName: tlsSecretName }] }),
        rules: [
          { host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service } }] } },
        ],
      },
    };
  },
};

type Acceptance = 'accepted' | 'pending' | Finding;

type RouteStatus = { parents: { conditions?: LiveCondition[] }[] };

/** Accepted by one of its parents with all references resolved; rejected if none did. */
const acceptanceOfRoute = (context: Context): Acceptance => {
  const missing = missingKind(context.observed, httpRoute);
  if (missing !== undefined) return missing;
  const key = keyOfRef({ kind: 'HTTPRoute', name: name(context.resource) });
  const { parents = [] } = statusOf<RouteStatus>(context.observed.owned.get(key));
  const isTrue = (conditions: LiveCondition[], type: string): boolean =>
    conditions.some((found) => found.type === type && found.status === 'True');
  if (
    parents.some(
      ({ conditions = [] }) => isTrue(conditions, 'Accepted') && isTrue(conditions, 'ResolvedRefs'),
    )
  ) {
    return 'accepted';
  }
  const refused = parents
    .flatMap(({ conditions = [] }) => conditions)
    .find(({ type, status }) => status === 'False' && /^(Accepted|ResolvedRefs)$/.test(type));
  if (refused === undefined) return 'pending';
  return {
    reason: 'RouteRejected',
    message: `No Gateway accepts the HTTPRoute ${name(context.resource)}: ${shortened(refused.message ?? refused.reason ?? '')}. Correct spec.gateway.httpRoute, or the Gateway.`,
  };
};

const acceptanceOfIngress = ({ observed, resource }: Context): Acceptance => {
  const live = observed.owned.get(keyOfRef({ kind: 'Ingress', name: name(resource) }));
  const { loadBalancer } = statusOf<{ loadBalancer: { ingress?: object[] } }>(live);
  return (loadBalancer?.ingress ?? []).length > 0 ? 'accepted' : 'pending';
};

const acceptances = (context: Context): Acceptance[] => {
  const { httpRoute: route, ingress: rule } = context.resource.spec.gateway;
  return [
    ...(route === undefined ? [] : [acceptanceOfRoute(context)]),
    ...(rule === undefined ? [] : [acceptanceOfIngress(context)]),
  ];
};

/** The URL of the name that was accepted. */
export const routeUrl = (context: Context): string | undefined => {
  const { httpRoute: route, ingress: rule } = context.resource.spec.gateway;
  const host = route?.hostnames[0];
  if (route !== undefined && host !== undefined && acceptanceOfRoute(context) === 'accepted')
    return `${route.scheme}://${host}`;
  if (rule !== undefined && acceptanceOfIngress(context) === 'accepted')
    return `${rule.tlsSecretName === undefined ? 'http' : 'https'}://${rule.host}`;
  return undefined;
};

const isRouted = ({ spec }: MovieTicketing): boolean =>
  spec.gateway.httpRoute !== undefined || spec.gateway.ingress !== undefined;

const decide = (context: Context): StepResult => {
  if (!isRouted(context.resource))
    return done({ reason: 'NotWanted', message: 'No route is wanted.' });
  const found = acceptances(context);
  const problem = found.find((acceptance) => typeof acceptance === 'object');
  if (problem !== undefined) return waiting(problem, { serving: true });
  if (found.includes('pending')) {
    // Whether anything will accept it is up to others: the rest is complete without it.
    return done(
      { reason: 'RoutePending', message: 'No controller has accepted the route yet.' },
      { status: 'Unknown' },
    );
  }
  return done({
    reason: 'RouteAccepted',
    message: `Clients reach it at ${routeUrl(context) ?? ''}.`,
  });
};

/** Clients reach the gateway by its names. */
export const gatewayIsRouted: Step = {
  name: 'route',
  condition: 'RouteAccepted',
  when: isRouted,
  decide,
};
