import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A self-signed certificate for a host name, and its key, as PEM. It needs openssl on the path. */
export const makeCertificate = async (
  host: string,
): Promise<{ certificate: string; key: string }> => {
  const folder = await mkdtemp(join(tmpdir(), 'e2e-certificate-'));
  const [certificate, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  try {
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-nodes', '-days', '2', '-subj', `/CN=${host}`],
      ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      ...['-addext', `subjectAltName=DNS:${host}`],
      ...['-out', certificate, '-keyout', key],
    ]);
    return { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') };
  } finally {
    await rm(folder, { recursive: true });
  }
};
