import { tryKubectl } from './kubectl.ts';
import type { Ticketing } from './ticketing.ts';

/** `npm run audit`, in a pod of the bookings service: what it printed, and whether all holds. */
export const audit = async (shop: Ticketing): Promise<{ holds: boolean; report: string }> => {
  const { code, stdout, stderr } = await tryKubectl([
    'exec',
    '-n',
    shop.namespace,
    `deployment/${shop.name}-bookings`,
    '--',
    'node',
    'services/bookings/src/audit.main.ts',
  ]);
  return { holds: code === 0, report: stdout + stderr };
};
