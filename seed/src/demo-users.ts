export type SignIn = {
  email: string;
  password: string;
  role: 'customer' | 'staff';
};

/** The passwords are public: load the demo for trying the service, never at a public address. */
export const demoSignIns: readonly SignIn[] = [
  { email: 'alice@example.com', password: 'popcorn-alice', role: 'customer' },
  { email: 'sam@example.com', password: 'popcorn-sam', role: 'staff' },
];
