import type { Access, Endpoint } from '@movie-ticketing/kit/endpoint';

export const services = ['gateway', 'catalog', 'users', 'bookings'] as const;
export type ServiceName = (typeof services)[number];

export type EndpointsByService = Readonly<Record<ServiceName, readonly Endpoint[]>>;

export type RouteTableEntry = {
  service: ServiceName;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Express pattern: `/bookings/:id` */
  path: string;
  access: Access;
  /** A public read that may be up to a second old. */
  shared: boolean;
  /** Accepts `Idempotency-Key`: a proxy may retry a request that carries one, and no other. */
  idempotent: boolean;
  /** The largest body, in bytes, where it is not the usual one. */
  maximumBodyBytes: number | undefined;
};

/**
 * Which service answers which path: the single source of the one-process server, the OpenAPI document,
 * the nginx configuration and the network policies.
 * @throws Error if two services define the same method and path
 */
export const makeRouteTable = (endpoints: EndpointsByService): RouteTableEntry[] => {
  const table = services.flatMap((service) =>
    endpoints[service].map((endpoint) => toEntry(service, endpoint)),
  );
  const claimed = new Map<string, ServiceName>();
  for (const { method, path, service } of table) {
    // Patterns that differ only in the name of a parameter match the same requests.
    const pattern = `${method} ${path.replaceAll(/:\w+/g, ':')}`;
    const other = claimed.get(pattern);
    if (other !== undefined) {
      throw new Error(`${method} ${path} is defined by ${other} and by ${service}`);
    }
    claimed.set(pattern, service);
  }
  return table;
};

const methods = {
  get: 'GET',
  post: 'POST',
  put: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
} as const;

const toEntry = (service: ServiceName, endpoint: Endpoint): RouteTableEntry => ({
  service,
  method: methods[endpoint.method],
  path: endpoint.path,
  access: endpoint.access,
  shared: endpoint.shared === true,
  idempotent: endpoint.idempotent === true,
  maximumBodyBytes: endpoint.maximumBodyBytes,
});
