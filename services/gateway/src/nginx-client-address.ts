import { block, directive } from './nginx-syntax.ts';

/**
 * The client's address by the rules of kit/client-address.ts. `$forwarded_client` is the entry of
 * `X-Forwarded-For` that the trusted proxies in front of the gateway wrote; nginx/start.sh defines it
 * from TRUST_PROXY. Its port, brackets and zone are removed; if it is not an address, the address of
 * the connection counts.
 */
export const clientAddress = [
  ...block('map $forwarded_client $client', [
    directive(
      String.raw`"~*^\s*\[?(?:::ffff:)?(?<ipv4>\d{1,3}(?:\.\d{1,3}){3})\]?(?::\d{1,5})?\s*$"`,
      '$ipv4',
    ),
    directive(
      String.raw`"~*^\s*\[(?<bracketed>[\da-f:.]*:[\da-f:.]*)(?:%[^\]]*)?\](?::\d{1,5})?\s*$"`,
      '$bracketed',
    ),
    directive(String.raw`"~*^\s*(?<ipv6>[\da-f:.]*:[\da-f:.]*)(?:%\S*)?\s*$"`, '$ipv6'),
    'default $remote_addr;',
  ]),
  // What a limit counts: an IPv4 address, or the /64 of an IPv6 address.
  ...block('map $client $client_network', [
    directive('"~^(?<four>(?:[^:]+:){3}[^:]+):"', '"$four::/64"'),
    directive('"~^(?<all_but_four>.*?):{1,2}(?:[^:]+:){3}[^:]+$"', '"$all_but_four::/64"'),
    directive('"~^(?<before_zeros>.*?)::"', '"$before_zeros::/64"'),
    'default $client;',
  ]),
];
