import { kubectl } from './kubectl.ts';

/** Deletes the namespaces of the scenarios unless E2E_KEEP=yes. The operator stays installed. */
export default async function tearDown(): Promise<void> {
  if (process.env['E2E_KEEP'] === 'yes') return;
  const ours = ['-l', 'movieticketing.io/e2e=true'];
  await kubectl(['delete', 'namespace', ...ours, '--wait=false']);
}
