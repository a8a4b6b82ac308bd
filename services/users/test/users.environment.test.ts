import { describe, expect, test } from '@jest/globals';
import { parseEnvironment } from '@movie-ticketing/kit/config';

import { usersEnvironment } from '../src/users.environment.ts';

describe('the environment of the users service', () => {
  test('an empty environment has the documented defaults', () => {
    expect(parseEnvironment(usersEnvironment, {})).toMatchObject({
      BCRYPT_COST: 10,
      JWT_ACCESS_TOKEN_SECONDS: 900,
      JWT_REFRESH_TOKEN_DAYS: 30,
      JWT_KEY_ROTATION_DAYS: 30,
      JWT_JWKS_CACHE_SECONDS: 300,
      RATE_LIMITS: 'on',
    });
  });

  test.each([
    ['BCRYPT_COST', '3', 'from 4 to 15'],
    ['BCRYPT_COST', '16', 'from 4 to 15'],
    ['ADMIN_EMAIL', 'nobody', 'an e-mail address'],
    ['ADMIN_PASSWORD', 'x'.repeat(73), '72'],
    ['ADMIN_PASSWORD', 'short', '8 to 72 bytes'],
    ['JWT_ACCESS_TOKEN_SECONDS', '15m', 'whole number'],
    ['JWT_KEY_ROTATION_DAYS', '0', 'from 1 to 365'],
    ['RATE_LIMITS', 'no', 'on, off'],
  ])('rejects %s=%s with the variable and what it must be', (name, value, expected) => {
    let message = '';
    try {
      parseEnvironment(usersEnvironment, { [name]: value });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(name);
    expect(message).toContain(expected);
    if (name === 'ADMIN_PASSWORD') expect(message).not.toContain(value);
  });
});
