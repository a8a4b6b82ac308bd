// @peculiar/x509 needs it, and leaves it to the program.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { randomBytes, webcrypto } from 'node:crypto';

import { timestamp } from '../../steps/text.ts';
import type { CertificateData } from '../../steps/observed.ts';

const dayMs = 86_400_000;
const authorityDays = 3_650;
const certificateDays = 90;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Clocks of other nodes may be behind. */
const toleranceMs = 3_600_000;

type Keys = webcrypto.CryptoKeyPair;
type Authority = { certificate: string; keys: Keys };

const makeKeys = (): Promise<Keys> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

const serialNumber = (): string => `01${randomBytes(15).toString('hex')}`;

const selfSigned = async (keys: Keys, name: string, now: Date): Promise<Authority> => {
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    notBefore: new Date(now.getTime() - toleranceMs),
    notAfter: new Date(now.getTime() + authorityDays * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), keys };
};

const bytesOf = (pem: string): ArrayBuffer => x509.PemConverter.decodeFirst(pem);

type Former = Partial<Pick<CertificateData, 'ca.crt' | 'ca.key'>>;

const importKeys = async (certificate: x509.X509Certificate, key: string): Promise<Keys> => ({
  privateKey: await webcrypto.subtle.importKey('pkcs8', bytesOf(key), algorithm, true, ['sign']),
  publicKey: await webcrypto.subtle.importKey(
    'spki',
    certificate.publicKey.rawData,
    algorithm,
    true,
    ['verify'],
  ),
});

/**
 * The former authority. One that is two thirds through its life gets a new certificate for the same key: what
 * it has signed stays valid, and clients that know only the former certificate trust what it signs from now on.
 */
const continued = async (former: Required<Former>, now: Date): Promise<Authority> => {
  const certificate = new x509.X509Certificate(former['ca.crt']);
  const keys = await importKeys(certificate, former['ca.key']);
  const left = certificate.notAfter.getTime() - now.getTime();
  return left > (authorityDays / 3) * dayMs
    ? { certificate: former['ca.crt'].trim(), keys }
    : selfSigned(keys, certificate.subject, now);
};

const authorityFrom = async (former: Former, name: string, now: Date): Promise<Authority> => {
  const { 'ca.crt': certificate, 'ca.key': key } = former;
  if (certificate !== undefined && key !== undefined) {
    // A damaged authority is replaced.
    const kept = await continued({ 'ca.crt': certificate, 'ca.key': key }, now).catch(
      () => undefined,
    );
    if (kept !== undefined) return kept;
  }
  return selfSigned(await makeKeys(), `CN=${name.slice(0, 64)}`, now);
};

const pemOfKey = async ({ privateKey }: Keys): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY');

/**
 * A server certificate for 90 days, to be renewed after 60, and the authority that signs it: the former one
 * where there is one.
 * @param hosts DNS names; the first is the common name
 */
export const signCertificate = async (
  hosts: readonly string[],
  { former, now }: { former: Former; now: Date },
): Promise<CertificateData & { renewAfter: string }> => {
  const [host = ''] = hosts;
  const authority = await authorityFrom(former, `Authority of ${host}`, now);
  const keys = await makeKeys();
  const issuer = new x509.X509Certificate(authority.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    // A common name has at most 64 characters; names are compared with those below.
    subject: `CN=${host.slice(0, 64)}`,
    issuer: issuer.subject,
    notBefore: new Date(now.getTime() - toleranceMs),
    notAfter: new Date(now.getTime() + certificateDays * dayMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: 'dns' as const, value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
    ],
  });
  return {
    'ca.crt': `${authority.certificate}\n`,
    'ca.key': `${await pemOfKey(authority.keys)}\n`,
    'tls.crt': `${certificate.toString('pem')}\n`,
    'tls.key': `${await pemOfKey(keys)}\n`,
    renewAfter: timestamp(new Date(now.getTime() + ((certificateDays * 2) / 3) * dayMs)),
  };
};
