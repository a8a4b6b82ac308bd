import { KubeConfig } from '@kubernetes/client-node';
import { parseEnvironment } from '@movie-ticketing/kit/config';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { makeRegistry } from '@movie-ticketing/kit/metrics';
import { runProcess } from '@movie-ticketing/kit/service-process';

import { operatorEnvironment } from './operator.environment.ts';
import { startOperator } from './operator.composition.ts';

await runProcess(async () => {
  const environment = parseEnvironment(operatorEnvironment, process.env);
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  const operator = await startOperator({
    environment,
    kubeConfig,
    logger: makeLogger({ service: 'operator', level: environment.LOG_LEVEL }),
    registry: makeRegistry('operator'),
    // Another replica may lead by now, so this process must not continue.
    onLost: () => process.exit(1),
  });
  return operator.stop;
});
