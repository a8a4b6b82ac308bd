import { tryKubectl } from './kubectl.ts';
import type { Ticketing } from './ticketing.ts';

/** Runs `npm run audit` in a pod of the bookings service. */
export const audit = async (cinema: Ticketing): Promise<{ holds: boolean; report: string }> => {
  const { code, stdout, stderr } = await tryKubectl([
    'exec',
    '-n',
    cinema.namespace,
    `deployment/${cinema.name}-bookings`,
    '--',
    'node',
    'services/bookings/src/audit.main.ts',
  ]);
  return { holds: code === 0, report: stdout + stderr };
};
