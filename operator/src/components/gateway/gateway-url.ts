import { statusOf, type PodStatus } from '../../objects/live.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';
import { isPodReady, podsOf } from '../../steps/pod-problems.ts';
import type { Context } from '../../steps/step.ts';
import { nameOf } from '../names.ts';
import { routeUrl } from './route.ts';

/** The URL of the gateway for clients: `status.url`. */
export const gatewayUrl = (context: Context): string | undefined => {
  const { resource, observed, settings } = context;
  const routed = routeUrl(context);
  if (routed !== undefined) return routed;
  const name = nameOf(resource, 'gateway');
  const service = observed.owned.get(`Service/${name}`);
  if (service === undefined) return undefined;
  const { gateway } = resource.spec;
  const scheme = gateway.tls === undefined ? 'http' : 'https';
  const at = (host: string, port?: number): string =>
    `${scheme}://${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${String(port)}`}`;
  const inCluster = `${name}.${resource.metadata.namespace}.svc.${settings.clusterDomain}`;
  if (gateway.service.type === 'ClusterIP') return at(inCluster);
  if (gateway.service.type === 'LoadBalancer') {
    const balancer = loadBalancerOf(service);
    if (balancer !== undefined) return at(balancer);
  }
  const node = nodeAddress(context);
  const nodePort = nodePortOf(service);
  return node === undefined ? resource.status?.url : at(node, nodePort);
};

const loadBalancerOf = (service: KubeObject): string | undefined => {
  const { loadBalancer } = statusOf<{
    loadBalancer: { ingress?: { ip?: string; hostname?: string }[] };
  }>(service);
  const first = loadBalancer?.ingress?.[0];
  return first?.hostname ?? first?.ip;
};

const nodePortOf = (service: KubeObject): number | undefined =>
  (service['spec'] as { ports?: { nodePort?: number }[] } | undefined)?.ports?.[0]?.nodePort;

/** A node with a gateway pod: needs no right to read nodes. Keeps the node of `status.url` if it can. */
const nodeAddress = ({ observed, resource }: Context): string | undefined => {
  const hosts = podsOf(observed, 'gateway')
    .filter(isPodReady)
    .map((pod) => statusOf<PodStatus>(pod).hostIP)
    .filter((host) => host !== undefined)
    .sort();
  const previous = URL.parse(resource.status?.url ?? '')?.hostname;
  return hosts.find((host) => host === previous) ?? hosts[0];
};
