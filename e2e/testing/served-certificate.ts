import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';

import { kubectlProgram } from './kubectl.ts';

/** PostgreSQL's message SSLRequest: its length, and a number in place of a version of the protocol. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** The serial number of the certificate that a PostgreSQL on this machine presents. */
const serialAt = async (port: number): Promise<string> => {
  const plain = connectPlain(port, '127.0.0.1');
  try {
    await once(plain, 'connect');
    plain.write(sslRequest);
    const [answer] = (await once(plain, 'data')) as [Buffer];
    if (answer.toString() !== 'S') throw new Error('PostgreSQL does not offer TLS');
    const encrypted = connect({ socket: plain, rejectUnauthorized: false });
    await once(encrypted, 'secureConnect');
    return encrypted.getPeerCertificate().serialNumber;
  } finally {
    plain.destroy();
  }
};

/** The serial number of the certificate that the PostgreSQL in a pod presents to a new connection. */
export const servedSerial = async (namespace: string, pod: string): Promise<string> => {
  const forward = spawn(kubectlProgram, ['port-forward', '-n', namespace, `pod/${pod}`, ':5432'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    for await (const line of createInterface({ input: forward.stdout })) {
      const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined) return await serialAt(Number(port));
    }
    throw new Error('kubectl port-forward ended');
  } finally {
    forward.kill();
  }
};
