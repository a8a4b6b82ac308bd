export const roles = ['customer', 'staff', 'admin'] as const;
export type Role = (typeof roles)[number];

/** The user of a request, as their access token says. */
export type CurrentUser = { userId: number; role: Role };
