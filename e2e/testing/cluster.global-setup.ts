import { buildImages, loadImages, run } from '../../scripts/images.ts';
import { kubectl, tryKubectl } from './kubectl.ts';
import { operatorNamespace } from './operator.ts';
import { secondsSince } from './waiting.ts';

/** The version that tests upgrade to, and one whose migration fails. */
const derived = ['1.1.0', '1.2.0'] as const;
const services = ['catalog', 'users', 'bookings', 'gateway'] as const;

const requireCluster = async (): Promise<string> => {
  const context = await tryKubectl(['config', 'current-context']);
  const version = await tryKubectl(['version', '-o', 'json', '--request-timeout=10s']);
  if (version.code !== 0) {
    throw new Error(
      `No cluster to test against (context: ${context.stdout.trim() || 'none'}): ${version.stderr.trim()}\n` +
        'Start one, for instance with "minikube start", until "kubectl get nodes" succeeds, and run this again.',
    );
  }
  return context.stdout.trim();
};

/** The images of the newer versions: the same programs with other migrations. */
const buildDerived = async (): Promise<string[]> => {
  const images: string[] = [];
  for (const tag of derived) {
    const migrations = tag === '1.1.0' ? 'migrations-next' : 'migrations-failing';
    const image = `movie-ticketing-migrations:${tag}`;
    const base = `BASE=movie-ticketing-migrations:${tag === '1.1.0' ? '1.0.0' : '1.1.0'}`;
    await run('docker', ['build', `--build-arg=${base}`, '-t', image, `e2e/images/${migrations}`]);
    images.push(image);
    for (const service of services) {
      const next = `movie-ticketing-${service}:${tag}`;
      await run('docker', ['tag', `movie-ticketing-${service}:1.0.0`, next]);
      images.push(next);
    }
  }
  return images;
};

const prepareImages = async (context: string): Promise<void> => {
  const minikube = context === 'minikube' ? 'minikube image load' : undefined;
  const loadCommand = process.env['E2E_LOAD_COMMAND'] ?? minikube;
  if (process.env['E2E_IMAGES'] === 'present') {
    console.log('E2E_IMAGES=present: images are not built or loaded');
    return;
  }
  if (loadCommand === undefined) {
    throw new Error(
      'Set E2E_LOAD_COMMAND to a command that loads images by name into the cluster, for instance ' +
        '"kind load docker-image", or E2E_IMAGES=present if the cluster has the images 1.0.0, 1.1.0 and 1.2.0.',
    );
  }
  await loadImages([...(await buildImages('1.0.0')), ...(await buildDerived())], loadCommand);
};

const installOperator = async (): Promise<void> => {
  await kubectl(['apply', '--server-side', '--force-conflicts', '-k', 'k8s/base']);
  // Images were loaded under the same tag, so running pods are replaced.
  await kubectl(['rollout', 'restart', '-n', operatorNamespace, 'deployment']);
  await kubectl(['rollout', 'status', '-n', operatorNamespace, 'deployment', '--timeout=180s']);
};

/** Deletes the namespaces of an earlier run. */
const removeLeftovers = async (): Promise<void> => {
  await kubectl(['delete', 'namespace', '-l', 'movieticketing.io/e2e=true', '--wait=true']);
};

export default async function setUp(): Promise<void> {
  const started = performance.now();
  const context = await requireCluster();
  console.log(`\nCluster: context ${context}`);
  await prepareImages(context);
  await removeLeftovers();
  await installOperator();
  console.log(`The operator is installed; prepared in ${secondsSince(started)}`);
}
