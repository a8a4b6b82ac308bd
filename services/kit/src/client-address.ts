import { isIP, SocketAddress } from 'node:net';

/** Used where a connection has no address any more: its client has already disconnected. */
const unknownAddress = 'unknown';

/**
 * The address of the client behind `trustedHops` proxies, each of which appends the address it saw to
 * `X-Forwarded-For`. Entries further left were sent by the client and are ignored.
 * @param connectionAddress the address of the TCP connection
 * @param forwardedFor the value of `X-Forwarded-For`
 * @returns the normalized address; that of the connection if the trusted entry is not an address
 */
export const clientAddress = (
  connectionAddress: string | undefined,
  forwardedFor: string | undefined,
  trustedHops: number,
): string => {
  const connection = normalizeAddress(connectionAddress ?? '') ?? unknownAddress;
  if (trustedHops === 0 || forwardedFor === undefined) return connection;
  const entries = forwardedFor.split(',');
  const trusted = entries[Math.max(0, entries.length - trustedHops)] ?? '';
  return normalizeAddress(trusted) ?? connection;
};

const ipv4WithPort = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/;
const ipv6InBrackets = /^\[([^\]]*)\](?::\d{1,5})?$/;
const ipv4Mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

/**
 * One spelling for each address: without port, brackets and zone; IPv6 in lower case and compressed
 * (RFC 5952); an IPv4-mapped IPv6 address as the IPv4 address.
 * @returns undefined if the text is not an IP address
 */
export const normalizeAddress = (text: string): string | undefined => {
  const trimmed = text.trim();
  const address = ipv6InBrackets.exec(trimmed)?.[1] ?? ipv4WithPort.exec(trimmed)?.[1] ?? trimmed;
  switch (isIP(address)) {
    case 4:
      return address;
    case 6: {
      const [withoutZone = ''] = address.split('%', 1);
      const { address: canonical } = new SocketAddress({ address: withoutZone, family: 'ipv6' });
      return ipv4Mapped.exec(canonical)?.[1] ?? canonical;
    }
    default:
      return undefined;
  }
};

/**
 * What a limit counts: an IPv4 address, or the /64 of an IPv6 address, within which one subscriber can
 * change addresses freely.
 * @param address a normalized address
 */
export const networkOf = (address: string): string => {
  if (isIP(address) !== 6) return address;
  const [left = '', right] = address.split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === undefined || right === '' ? [] : right.split(':');
  // The dotted part of an address such as 64:ff9b::192.0.2.1 is two groups.
  const afterLength = after.length + (after.at(-1)?.includes('.') === true ? 1 : 0);
  const zeros = right === undefined ? 0 : 8 - before.length - afterLength;
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
};
