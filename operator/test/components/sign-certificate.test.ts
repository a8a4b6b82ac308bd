import { afterAll, describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { connect, createServer, type Server } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { signCertificate } from '../../src/components/postgres/sign-certificate.ts';
import type { CertificateData } from '../../src/steps/observed.ts';

const hosts = ['shop-postgres', 'shop-postgres.cinema', 'shop-postgres.cinema.svc'];
const yearMs = 365 * 86_400_000;
const now = new Date();
const inYears = (years: number): Date => new Date(now.getTime() + years * yearMs);

const servers: Server[] = [];

afterAll(() => {
  for (const server of servers) server.close();
});

/** What a client that trusts `authority` says of a server with this certificate: undefined is trust. */
const refusal = async (
  data: CertificateData,
  {
    authority = data['ca.crt'],
    host = hosts[0],
  }: { authority?: string; host?: string | undefined } = {},
): Promise<string | undefined> => {
  const server = createServer({ cert: data['tls.crt'], key: data['tls.key'] });
  servers.push(server);
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', ca: authority, servername: host });
  try {
    await once(socket, 'secureConnect');
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    socket.destroy();
  }
};

describe('the certificate of the managed database', () => {
  test('is trusted under each of its names, and under no other', async () => {
    const data = await signCertificate(hosts, { former: {}, now });
    for (const host of hosts) expect(await refusal(data, { host })).toBeUndefined();
    expect(await refusal(data, { host: 'other-postgres' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('is not trusted by clients of another authority', async () => {
    const [data, other] = await Promise.all(
      [1, 2].map(() => signCertificate(hosts, { former: {}, now })),
    );
    expect(await refusal(data!, { authority: other!['ca.crt'] })).toBeDefined();
  });

  test('is due after two thirds of its life', async () => {
    const data = await signCertificate(hosts, { former: {}, now });
    const { validTo } = new X509Certificate(data['tls.crt']);
    const left = Date.parse(validTo) - Date.parse(data.renewAfter);
    expect(left / 86_400_000).toBeCloseTo(30, 1);
  });

  test('has names longer than a common name can be', async () => {
    const long = [`${'x'.repeat(63)}-postgres`, `${'x'.repeat(63)}-postgres.cinema`];
    const data = await signCertificate(long, { former: {}, now });
    expect(await refusal(data, { host: long[0] })).toBeUndefined();
  });
});

describe('a renewal', () => {
  test('keeps the authority and replaces the key', async () => {
    const before = await signCertificate(hosts, { former: {}, now });
    const after = await signCertificate(hosts, { former: before, now });
    expect(after['ca.crt']).toBe(before['ca.crt']);
    expect(after['ca.key']).toBe(before['ca.key']);
    expect(after['tls.key']).not.toBe(before['tls.key']);
    expect(await refusal(after, { authority: before['ca.crt'] })).toBeUndefined();
  });

  test('of the authority is trusted by clients that know the former one, and the other way round', async () => {
    const before = await signCertificate(hosts, { former: {}, now: inYears(-8) });
    const after = await signCertificate(hosts, { former: before, now });
    expect(after['ca.crt']).not.toBe(before['ca.crt']);
    expect(await refusal(after, { authority: before['ca.crt'] })).toBeUndefined();
    const unexpired = await signCertificate(hosts, { former: before, now: inYears(-1) });
    expect(new X509Certificate(unexpired['tls.crt']).verify(keyOf(after['ca.crt']))).toBe(true);
    expect(validUntil(after['ca.crt'])).toBeGreaterThan(validUntil(before['ca.crt']));
  });

  test.each([
    ['no certificate', { 'ca.crt': 'not a certificate' }],
    ['no key', { 'ca.key': 'not a key' }],
  ])('replaces an authority that is %s', async (_, damage) => {
    const before = await signCertificate(hosts, { former: {}, now });
    const after = await signCertificate(hosts, { former: { ...before, ...damage }, now });
    expect(after['ca.crt']).not.toBe(before['ca.crt']);
    expect(await refusal(after)).toBeUndefined();
  });
});

const keyOf = (pem: string) => new X509Certificate(pem).publicKey;
const validUntil = (pem: string): number => Date.parse(new X509Certificate(pem).validTo);
