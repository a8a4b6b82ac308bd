import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { makeFolderStorage } from '../src/folder-storage.ts';
import { makeS3Storage } from '../src/s3-storage.ts';
import type { Storage } from '../src/storage.ts';
import { findServer, serverNames, startS3Server, type S3Server } from '../testing/s3-servers.ts';

const scratch = mkdtempSync(join(tmpdir(), 'storage-'));
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

const file = (name: string, content: Buffer | string): string => {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
};

/** What every storage does. */
const behavior = (makeStorage: () => Storage, it: typeof test): void => {
  it('keeps files of many parts and texts, and lists them by their names', async () => {
    const storage = makeStorage();
    const content = Buffer.alloc(40_000_000, 'ticket');
    await storage.upload('a.dump', file('large', content));
    await storage.write('a.json', '{"a": 1}');
    const copy = join(scratch, 'copy');
    await storage.download('a.dump', copy);
    expect(readFileSync(copy).equals(content)).toBe(true);
    expect(await storage.read('a.json')).toBe('{"a": 1}');
    expect((await storage.list()).toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'a.dump', bytes: content.length },
      { name: 'a.json', bytes: 8 },
    ]);
  });

  it('replaces, and removes what is there and what is not', async () => {
    const storage = makeStorage();
    await storage.write('b', 'first');
    await storage.write('b', 'second');
    expect(await storage.read('b')).toBe('second');
    await storage.remove('b');
    await storage.remove('b');
    expect(await storage.read('b')).toBeUndefined();
    expect((await storage.list()).map(({ name }) => name)).not.toContain('b');
  });

  it('says which name is missing', async () => {
    await expect(makeStorage().download('missing', join(scratch, 'copy'))).rejects.toThrow(
      /volume|bucket/,
    );
  });
};

describe('a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'storage-folder-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  behavior(() => makeFolderStorage(folder), test);

  test('does not show a file that was not completed', async () => {
    writeFileSync(join(folder, '.unfinished-c.dump'), 'half');
    expect((await makeFolderStorage(folder).list()).map(({ name }) => name)).not.toContain(
      '.unfinished-c.dump',
    );
  });

  test('that is missing is said to be', async () => {
    const storage = makeFolderStorage(join(folder, 'nowhere'));
    await expect(storage.write('a', 'b')).rejects.toThrow(/volume cannot be used: ENOENT/);
  });
});

describe.each(serverNames)('a bucket of %s', (name) => {
  const found = findServer(name);
  const isThere = 'command' in found;
  const testHere = testIf(isThere, isThere ? '' : found.missing) as typeof test;
  let server: S3Server;
  beforeAll(async () => {
    if (isThere) server = await startS3Server(name, found.command);
  });
  afterAll(async () => {
    if (isThere) await server.stop();
  });
  behavior(() => makeS3Storage(server.options), testHere);

  testHere('that does not exist is said to', async () => {
    const storage = makeS3Storage({ ...server.options, bucket: 'nowhere' });
    await expect(storage.list()).rejects.toThrow(/NoSuchBucket. The bucket does not exist/);
  });

  if (name === 'versitygw') {
    testHere('with a wrong key says so, and never the key', async () => {
      const wrong = makeS3Storage({ ...server.options, secretAccessKey: 'not-the-secret-key' });
      const error = await wrong.write('a', 'b').catch((thrown: unknown) => thrown as Error);
      expect(String(error)).toMatch(/SignatureDoesNotMatch. The secret key is wrong/);
      expect(String(error)).not.toContain('not-the-secret-key');
    });
  }

  testHere('whose server is gone is said to be unreachable', async () => {
    const gone = makeS3Storage({ ...server.options, endpoint: 'http://127.0.0.1:1' });
    await expect(gone.write('a', 'b')).rejects.toThrow(/cannot be reached/);
  });
});
