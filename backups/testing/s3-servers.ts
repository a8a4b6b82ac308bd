import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findGoTool } from '../../scripts/go-tool.ts';
import type { S3Options } from '../src/s3-storage.ts';

/** Two S3 servers that are not ours, installed by Go. */
const servers = {
  versitygw: {
    name: 'versitygw',
    package: 'github.com/versity/versitygw/cmd/versitygw',
    version: 'v1.8.0',
    versionArgs: ['--version'],
  },
  gofakes3: {
    name: 'gofakes3',
    package: 'github.com/johannesboyne/gofakes3/cmd/gofakes3',
    version: 'v1.2.0',
    versionArgs: ['--help'],
  },
} as const;

export type ServerName = keyof typeof servers;
export const serverNames = Object.keys(servers) as ServerName[];

const bucket = 'tickets';
const accessKeyId = 'the-access-key';
const secretAccessKey = 'the-secret-key';

export type S3Server = { options: S3Options; stop: () => Promise<void> };

/** @returns the program, or why there is none */
export const findServer = (name: ServerName) => findGoTool(servers[name]);

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const run = (name: ServerName, command: string, folder: string, port: number): ChildProcess => {
  const address = `127.0.0.1:${String(port)}`;
  mkdirSync(join(folder, bucket));
  return name === 'gofakes3'
    ? spawn(command, ['-backend', 'memory', '-initialbucket', bucket, '-host', address])
    : spawn(command, ['--port', address, '--quiet', 'posix', folder], {
        env: {
          ...process.env,
          ROOT_ACCESS_KEY_ID: accessKeyId,
          ROOT_SECRET_ACCESS_KEY: secretAccessKey,
          ROOT_ACCESS_KEY: accessKeyId,
          ROOT_SECRET_KEY: secretAccessKey,
        },
      });
};

/** A server with one empty bucket. */
export const startS3Server = async (name: ServerName, command: string): Promise<S3Server> => {
  const folder = mkdtempSync(join(tmpdir(), `s3-${name}-`));
  const port = await freePort();
  const child = run(name, command, folder, port);
  const ended = once(child, 'exit');
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const endpoint = `http://127.0.0.1:${String(port)}`;
  const isUp = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${output}`);
    return fetch(endpoint).then(
      () => true,
      () => false,
    );
  };
  while (!(await isUp()));
  return {
    options: {
      bucket,
      prefix: 'cinema/',
      region: 'us-east-1',
      endpoint,
      forcePathStyle: true,
      accessKeyId,
      secretAccessKey,
    },
    stop: async () => {
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
