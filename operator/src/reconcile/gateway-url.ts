import { isPodReady, podsOf } from './pod-problems.ts';
import { stateOf, type PodState } from './live.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import type { Context } from './step.ts';

/** Where clients reach the gateway: for people to read and click. */
export const gatewayUrl = (context: Context): string | undefined => {
  const { resource, observed, names, settings } = context;
  const service = observed.children.get(`Service/${names.gateway}`);
  if (service === undefined) return undefined;
  const { gateway } = resource.spec;
  const scheme = gateway.tls === undefined ? 'http' : 'https';
  const at = (host: string, port?: number): string =>
    `${scheme}://${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${String(port)}`}`;
  const inside = `${names.gateway}.${resource.metadata.namespace}.svc.${settings.clusterDomain}`;
  if (gateway.service.type === 'ClusterIP') return at(inside);
  if (gateway.service.type === 'LoadBalancer') {
    const balancer = balancerOf(service);
    if (balancer !== undefined) return at(balancer);
  }
  const node = nodeOf(context);
  return node === undefined ? resource.status?.url : at(node, gateway.service.nodePort);
};

const balancerOf = (service: KubeObject): string | undefined => {
  const status = service['status'] as
    { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } } | undefined;
  const first = status?.loadBalancer?.ingress?.[0];
  return first?.hostname ?? first?.ip;
};

/** A node that has a gateway's pod: known without the right to read nodes. Stays as it was if it can. */
const nodeOf = ({ observed, resource }: Context): string | undefined => {
  const hosts = podsOf(observed, 'gateway')
    .filter(isPodReady)
    .map((pod) => stateOf<PodState>(pod).hostIP)
    .filter((host) => host !== undefined)
    .sort();
  const before = URL.parse(resource.status?.url ?? '')?.hostname;
  return hosts.find((host) => host === before) ?? hosts[0];
};
