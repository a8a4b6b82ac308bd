// A deploy hook of skaffold.yaml: waits until the custom resource is Ready with the images that were just
// built, and prints what it waits for. Plain JavaScript without dependencies: it runs on any Node >= 20.
//   node skaffold/wait-until-ready.mjs NAMESPACE NAME [--then-continue]
// --then-continue (skaffold dev): what cannot become Ready ends the wait and not Skaffold, for the next
// edit may mend it.
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

const [namespace, name, flag] = process.argv.slice(2);
const thenContinue = flag === '--then-continue';
const context = process.env.SKAFFOLD_KUBE_CONTEXT;
const seconds = (variable, fallback) => Number(process.env[variable] ?? fallback) * 1000;
const waitMs = seconds('READY_WITHIN_SECONDS', 600);
const unchangedMs = seconds('READY_UNCHANGED_SECONDS', thenContinue ? 60 : 600);
const pollMs = 500;

const kubectl = (...args) => {
  const output = execFileSync('kubectl', [...(context ? ['--context', context] : []), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return output.trim() === '' ? undefined : JSON.parse(output);
};

const get = (inNamespace, kind, object) =>
  kubectl('-n', inNamespace, 'get', kind, object, '--ignore-not-found', '-o', 'json');

/** The images that the operator was told to use: { catalog: 'movie-ticketing-catalog:...', ... } */
const wantedImages = () => {
  const operator = get('movie-ticketing-system', 'deployment', 'movie-ticketing-operator');
  const variables = operator?.spec.template.spec.containers[0].env ?? [];
  return Object.fromEntries(
    variables
      .filter((variable) => /^IMAGE_/.test(variable.name))
      .map((variable) => [variable.name.slice('IMAGE_'.length).toLowerCase(), variable.value]),
  );
};

const imageOf = (workload) => workload?.spec.template.spec.containers[0].image;

const imageInUse = (component, resource) => {
  if (component !== 'migrations') {
    return imageOf(get(namespace, 'deployment', `${name}-${component}`));
  }
  const job = resource.status?.migrations?.lastJob;
  return job === undefined ? undefined : imageOf(get(namespace, 'job', job));
};

/** @returns what is still to come, or undefined when all is in use and Ready */
const findWaitingFor = () => {
  const resource = get(namespace, 'movieticketing', name);
  if (resource === undefined) return { text: `movieticketing/${name} does not exist` };
  const conditions = resource.status?.conditions ?? [];
  const condition = (type) => conditions.find((found) => found.type === type);
  const ready = condition('Ready');
  const reason = ready === undefined ? 'no status yet' : `${ready.reason}: ${ready.message}`;
  const degraded = condition('Degraded')?.status === 'True';
  for (const [component, image] of Object.entries(wantedImages())) {
    if (imageInUse(component, resource) !== image) {
      return { text: `${component} does not use ${image} yet (${reason})`, degraded };
    }
  }
  const isCurrent = resource.status?.observedGeneration === resource.metadata.generation;
  if (ready?.status === 'True' && isCurrent) return undefined;
  return { text: reason, degraded };
};

const cure = (text) =>
  /checksum|changed since|was edited/i.test(text)
    ? `\nA migration that was applied cannot be edited. Undo the edit and add a new file; or start again with an
empty database: skaffold delete; kubectl -n ${namespace} delete pvc,secret -l movieticketing.io/resource=${name}`
    : '';

const startedAt = Date.now();
let last = '';
let lastChangeAt = startedAt;
let degradedSince;
const waited = () => `${((Date.now() - startedAt) / 1000).toFixed(0)} s`;

const giveUp = (text) => {
  console.log(`${name} is not Ready after ${waited()}. ${text}${cure(text)}`);
  if (thenContinue) console.log('Skaffold continues: the next edit may mend it.');
  process.exit(thenContinue ? 0 : 1);
};

for (;;) {
  let waitingFor;
  try {
    waitingFor = findWaitingFor();
  } catch (error) {
    waitingFor = { text: `kubectl: ${(error.stderr || error.message).trim()}` };
  }
  if (waitingFor === undefined) break;
  const { text, degraded = false } = waitingFor;
  const now = Date.now();
  if (text !== last) {
    console.log(`${waited()}: ${text}`);
    last = text;
    lastChangeAt = now;
  }
  degradedSince = degraded ? (degradedSince ?? now) : undefined;
  // A condition of the rollout before this one may still be there for a moment.
  const isDegraded = thenContinue && degradedSince !== undefined && now - degradedSince > 10_000;
  if (isDegraded || now - lastChangeAt > unchangedMs || now - startedAt > waitMs) giveUp(text);
  await delay(pollMs);
}
console.log(`${name} is Ready with the new images (${waited()})`);
