export interface SignIn {
  email: string;
  password: string;
  role: 'customer' | 'staff';
}

/** Published passwords: the demo seed is for trying the service out, never for a public address. */
export const DEMO_SIGN_INS: readonly SignIn[] = [
  { email: 'alice@example.com', password: 'popcorn-alice', role: 'customer' },
  { email: 'sam@example.com', password: 'popcorn-sam', role: 'staff' },
];
