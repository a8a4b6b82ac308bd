import { z } from 'zod';

const everyDays = (description: string) =>
  z.strictObject({ everyDays: z.int().min(1).max(365).meta({ description }) });

/** `spec.rotation`. */
export const rotation = z
  .strictObject({
    databasePasswords: everyDays('Days that a password of a service is used.')
      .exactOptional()
      .meta({
        description:
          'Passwords of the services in the managed database: kept until the annotation movieticketing.io/rotate-database-passwords asks for new ones, unless set.',
      }),
    signingKeys: everyDays('Days that a key signs tokens.')
      .exactOptional()
      .meta({ description: 'Keys that sign access tokens: 30 days unless set.' }),
  })
  .prefault({})
  .meta({ description: 'How often secrets are replaced.' });
