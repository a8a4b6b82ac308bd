import { PassThrough } from 'node:stream';

import { expect, test } from '@jest/globals';

import { makeLogger, requestContext } from '../src/logging.ts';

test('two log lines of a request share only its ids', () => {
  const destination = new PassThrough();
  const logger = makeLogger({ service: 'test', level: 'info' }, destination);
  requestContext.run({ request_id: 'r1' }, () => {
    logger.warn({ error: new Error('first'), payment_id: 7 }, 'one');
    logger.info({ status: 202 }, 'two');
  });
  const lines = String(destination.read())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines[0]).toMatchObject({ request_id: 'r1', payment_id: 7, message: 'one' });
  expect(lines[1]).toMatchObject({ request_id: 'r1', status: 202, message: 'two' });
  expect(lines[1]).not.toHaveProperty('error');
  expect(lines[1]).not.toHaveProperty('payment_id');
});

test('removes a secret that is logged by mistake', () => {
  const destination = new PassThrough();
  const logger = makeLogger({ service: 'test', level: 'info' }, destination);
  logger.info({ body: { password: 'hunter22', email: 'a@example.com' }, token: 'abc' }, 'oops');
  expect(String(destination.read())).not.toMatch(/hunter22|a@example|abc/);
});
