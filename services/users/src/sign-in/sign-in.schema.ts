import { z } from 'zod';

import { enteredPassword, newPassword } from '../passwords/passwords.schema.ts';
import { emailField } from '../users/email-address.ts';

export const registration = z.strictObject({ email: emailField(), password: newPassword() });
export const credentials = z.strictObject({ email: emailField(), password: enteredPassword() });
