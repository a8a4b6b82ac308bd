import { kubectl } from './kubectl.ts';

/** What the scenarios made goes, unless E2E_KEEP=yes asks to look at it; the operator stays. */
export default async function tearDown(): Promise<void> {
  if (process.env['E2E_KEEP'] === 'yes') return;
  const ours = ['-l', 'movieticketing.io/e2e=true'];
  await kubectl(['delete', 'namespace', ...ours, '--wait=false']);
}
