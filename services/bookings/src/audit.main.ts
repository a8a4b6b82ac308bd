import { environmentFields, parseEnvironment } from '@movie-ticketing/kit/config';
import { makeDatabase } from '@movie-ticketing/kit/database';
import {
  databaseEnvironment,
  requiredDatabaseUrl,
} from '@movie-ticketing/kit/database-environment';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { runProcess } from '@movie-ticketing/kit/service-process';
import { z } from 'zod';

import { auditSnapshot } from './audit.ts';

/** `npm run audit`: exit code 0 if every check holds, else 1. */
const environment = z.object({
  ...databaseEnvironment.shape,
  LOG_LEVEL: environmentFields.oneOf(['info', 'warn', 'error', 'silent'], 'warn'),
});

await runProcess(async () => {
  const env = parseEnvironment(environment, process.env);
  const db = makeDatabase({
    url: requiredDatabaseUrl(env),
    poolSize: 1,
    logger: makeLogger({ service: 'audit', level: env.LOG_LEVEL }),
    applicationName: 'movie-ticketing-audit',
    // It reads whole tables.
    settings: { statement_timeout: 600_000, enable_seqscan: 'on', jit: 'on' },
  });
  const findings = await auditSnapshot(db);
  await db.close();
  for (const { name, promise, violations, examples } of findings) {
    console.log(`${violations === 0 ? 'ok    ' : 'BROKEN'} ${String(promise)}. ${name}`);
    if (violations > 0)
      console.log(`       ${String(violations)} rows, for example ${examples.join(' ')}`);
  }
  const broken = findings.filter(({ violations }) => violations > 0).length;
  console.log(
    broken === 0
      ? `All ${String(findings.length)} checks hold.`
      : `${String(broken)} of ${String(findings.length)} checks are broken.`,
  );
  process.exit(broken === 0 ? 0 : 1);
});
