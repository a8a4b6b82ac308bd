import { createReadStream, createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

import { StorageError, type Storage } from './storage.ts';

export type S3Options = {
  bucket: string;
  /** Before every name; ends with `/` unless empty. */
  prefix: string;
  region: string;
  /** Of a server that is not Amazon's. */
  endpoint?: string;
  forcePathStyle: boolean;
  accessKeyId: string;
  secretAccessKey: string;
};

const cures: Readonly<Record<string, string>> = {
  NoSuchBucket: 'The bucket does not exist: create it, or correct spec.backup.storage.s3.bucket.',
  AccessDenied: 'The key may not do this: it needs to list, read, write and delete objects.',
  InvalidAccessKeyId: 'The access key is not known: correct the Secret of spec.backup.storage.s3.',
  SignatureDoesNotMatch: 'The secret key is wrong: correct the Secret of spec.backup.storage.s3.',
  ENOTFOUND: 'The name of the endpoint does not resolve: correct spec.backup.storage.s3.endpoint.',
  ECONNREFUSED: 'The endpoint cannot be reached: check it, and network policies.',
  QuotaExceeded: 'The bucket is full: enlarge it, or lower spec.backup.retention.count.',
};

/** The name of an S3 error, or the code of a network error, which the client wraps. */
const reasonOf = ({ name, message }: Error): string =>
  /\b(ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT)\b/.exec(message)?.[1] ?? name;

const explain = (place: string, error: unknown): StorageError => {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const reason = reasonOf(thrown);
  const cure = cures[reason] ?? thrown.message.replaceAll(/\s+/g, ' ');
  return new StorageError(`Failed at ${place}: ${reason}. ${cure}`, { cause: error });
};

const mebibyte = 1_048_576;

const makeClient = (options: S3Options): S3Client =>
  new S3Client({
    region: options.region,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    forcePathStyle: options.forcePathStyle,
    credentials: {
      accessKeyId: options.accessKeyId,
      secretAccessKey: options.secretAccessKey,
    },
    // Since 3.729 the client sends CRC32 unless told otherwise; other servers than Amazon's refuse it. A
    // backup carries a SHA-256 of its own.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 5,
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 120_000 },
  });

type Place = { Bucket: string; Key: string };

const upload = async (client: S3Client, place: Place, file: string): Promise<void> => {
  // Parts of 16 MiB: up to 160 GB, and at most 64 MiB of memory. An object appears when it is complete.
  const transfer = new Upload({
    client,
    params: { ...place, Body: createReadStream(file) },
    partSize: 16 * mebibyte,
    queueSize: 4,
  });
  await transfer.done();
};

const listAll = async (
  client: S3Client,
  { bucket, prefix }: S3Options,
): Promise<{ name: string; bytes: number }[]> => {
  const found: { name: string; bytes: number }[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    for (const { Key = '', Size = 0 } of page.Contents ?? []) {
      const name = Key.slice(prefix.length);
      if (!name.includes('/')) found.push({ name, bytes: Size });
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return found;
};

export const makeS3Storage = (options: S3Options): Storage => {
  const { bucket, prefix, endpoint } = options;
  const client = makeClient(options);
  const description = `the bucket ${bucket}${endpoint === undefined ? '' : ` at ${endpoint}`}`;
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explain(description, error);
    }
  };
  const at = (name: string): Place => ({ Bucket: bucket, Key: `${prefix}${name}` });
  return {
    description,
    upload: (name, file) => guarded(() => upload(client, at(name), file)),
    download: (name, file) =>
      guarded(async () => {
        const { Body } = await client.send(new GetObjectCommand(at(name)));
        await pipeline(Body as Readable, createWriteStream(file));
      }),
    write: (name, text) =>
      guarded(async () => {
        await client.send(new PutObjectCommand({ ...at(name), Body: text }));
      }),
    read: (name) =>
      guarded(async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand(at(name)));
          return await Body?.transformToString();
        } catch (error) {
          if (error instanceof NoSuchKey) return undefined;
          throw error;
        }
      }),
    list: () => guarded(() => listAll(client, options)),
    remove: (name) =>
      guarded(async () => {
        await client.send(new DeleteObjectCommand(at(name)));
      }),
  };
};
