import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';

import { afterAll, beforeAll, describe, expect } from '@jest/globals';

import { probeDocker } from '@movie-ticketing/kit/testing/docker-probe';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { nginxImage, startNginxGateway, type NginxGateway } from '../testing/nginx-container.ts';

const docker = await probeDocker(nginxImage);
const testOnNginx = testIf(docker.usable, docker.usable ? '' : docker.why);

type Pair = { certificate: string; key: string };

const makePair = (name: string): Pair => {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')];
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', certificate],
  ]);
  const pair = { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
  rmSync(folder, { recursive: true });
  return pair;
};

const tlsDir = '/tmp/certificate';
const files = ({ certificate, key }: Pair) => [
  { content: certificate, target: `${tlsDir}/tls.crt` },
  { content: key, target: `${tlsDir}/tls.key` },
];

let gateway: NginxGateway;
beforeAll(async () => {
  if (!docker.usable) return;
  gateway = await startNginxGateway({
    ...docker,
    environment: { TLS_DIR: tlsDir },
    files: files(makePair('first.example.com')),
  });
}, 300_000);
afterAll(async () => {
  if (docker.usable) await gateway.stop();
});

/** A request over TLS: who answered, and what. */
const ask = (path: string): Promise<{ name: string; status: string }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url);
    const options = { host: hostname, port: Number(port), rejectUnauthorized: false };
    const socket = connect(options, () => {
      const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>;
      socket.write(`GET ${path} HTTP/1.0\r\nHost: x\r\n\r\n`);
      socket.once('data', (data) => {
        resolve({ name: String(subject?.CN), status: data.toString().split('\r\n')[0] ?? '' });
        socket.destroy();
      });
    });
    socket.on('error', reject);
  });

describe('HTTPS', () => {
  testOnNginx('serves HTTPS with a certificate, and not HTTP', async () => {
    expect(await ask('/movies')).toEqual({
      name: 'first.example.com',
      status: 'HTTP/1.1 200 OK',
    });
    expect(gateway.stub.received.at(-1)?.headers['x-forwarded-proto']).toBe('https');
    const plain = await fetch(`${gateway.url}/movies`);
    expect(plain.status).toBe(400);
  });

  testOnNginx('loads a renewed certificate', async () => {
    await gateway.copy(files(makePair('second.example.com')));
    const deadline = Date.now() + 20_000;
    let name = '';
    while (name !== 'second.example.com' && Date.now() < deadline)
      ({ name } = await ask('/movies'));
    expect(name).toBe('second.example.com');
  });
});
