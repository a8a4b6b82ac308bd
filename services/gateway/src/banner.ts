export type SignInLine = { role: string; email: string; password: string };

export type BannerOptions = {
  /** `http://localhost:8080` */
  url: string;
  managementUrl: string;
  /** The data folder of the embedded database; undefined with DATABASE_URL. */
  dataDir: string | undefined;
  signIns: readonly SignInLine[];
  /** A screening with free seats, for the example; undefined if there is none. */
  screeningId: number | undefined;
  seconds: number;
};

const booking = (url: string, { email, password }: SignInLine, screeningId: number): string[] => [
  'Book two seats:',
  `  TOKEN=$(curl -s ${url}/users/login -H 'Content-Type: application/json' \\`,
  `    -d '{"email": "${email}", "password": "${password}"}' \\`,
  String.raw`    | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`,
  `  curl -s ${url}/bookings -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\`,
  `    -d '{"screening_id": ${String(screeningId)}, "num_tickets": 2}'`,
];

/** Printed once the server accepts requests. */
export const bannerOf = (options: BannerOptions): string => {
  const { url, signIns, screeningId } = options;
  const customer = signIns.find(({ role }) => role === 'customer');
  const widths = {
    role: Math.max(0, ...signIns.map(({ role }) => role.length)),
    email: Math.max(0, ...signIns.map(({ email }) => email.length)),
  };
  const signInLines = signIns.map(
    ({ role, email, password }, index) =>
      `  ${index === 0 ? 'Sign-ins ' : '         '}  ${role.padEnd(widths.role)}  ${email.padEnd(widths.email)}  ${password}`,
  );
  return [
    '',
    `Movie ticketing: ready in ${options.seconds.toFixed(1)} s`,
    '',
    `  API        ${url}`,
    `  Reference  ${url}/docs`,
    `  Metrics    ${options.managementUrl}/metrics`,
    ...(options.dataDir === undefined ? [] : [`  Data       ${options.dataDir}`]),
    ...signInLines,
    '',
    ...(customer === undefined || screeningId === undefined
      ? []
      : [...booking(url, customer, screeningId), '']),
    'Press Ctrl-C to stop.',
    '',
  ].join('\n');
};
