/**
 * The layers of docs/how-it-works.md: handler -> service -> repository. A service never imports another
 * service. Tests and testing folders may import anything.
 */
const notTests = '/(test|testing)/';
const inService = '^services/(catalog|users|bookings)/src/';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Modules in a cycle have no layers. Cycles of types only are allowed.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'Imported modules must exist.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'handlers-reach-no-repository',
      comment: 'A handler calls its service; SQL belongs to repositories.',
      severity: 'error',
      from: { path: '\\.(handlers|routes|endpoints|schema)\\.ts$' },
      to: { path: '(\\.repository\\.ts$|/kit/src/database\\.ts$)' },
    },
    {
      name: 'services-know-no-http',
      comment:
        'Only the kit and the gateway know express: rules and transactions do not depend on HTTP.',
      severity: 'error',
      from: { path: inService, pathNot: '(\\.composition|/main)\\.ts$' },
      to: {
        path: '(^node_modules/(@types/)?express/|/kit/src/(http-app|pipeline|request-body|server)\\.ts$)',
      },
    },
    {
      name: 'bookings-domain-knows-no-responses',
      comment: 'Services, the batch and decisions return domain results; handlers present them.',
      severity: 'error',
      from: {
        path: '^services/bookings/src/',
        pathNot: '\\.(handlers|endpoints|routes|composition)\\.ts$',
      },
      to: { path: '/kit/src/endpoint\\.ts$' },
    },
    {
      name: 'seats-depend-on-no-other-component',
      comment: 'Bookings, holds and the batch use seats, not the other way round.',
      severity: 'error',
      from: { path: '^services/bookings/src/seats/' },
      to: {
        path: '^services/bookings/src/',
        pathNot: '^services/bookings/src/seats/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'repositories-are-the-bottom',
      comment: 'A repository contains SQL and mapping, and imports nothing above it.',
      severity: 'error',
      from: { path: '\\.repository\\.ts$' },
      to: {
        path: '\\.(service|handlers|routes|endpoints|composition)\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'service-layer-knows-no-handlers',
      comment: 'Calls go down only.',
      severity: 'error',
      from: { path: '\\.service\\.ts$' },
      to: { path: '\\.(handlers|routes|endpoints|composition)\\.ts$' },
    },
    {
      name: 'services-do-not-look-into-one-another',
      comment: 'Services share the kit and, within their grants, the database.',
      severity: 'error',
      from: { path: '^services/(catalog|users|bookings)/', pathNot: notTests },
      to: { path: '^services/(catalog|users|bookings|gateway)/', pathNot: '^services/$1/' },
    },
    {
      name: 'gateway-imports-fronts-alone',
      comment: 'The gateway imports the endpoints, composition and environment of a service only.',
      severity: 'error',
      from: { path: '^services/gateway/src/' },
      to: {
        path: inService,
        pathNot: '\\.(endpoints|composition|environment)\\.ts$',
      },
    },
    {
      name: 'foundations-know-no-service',
      comment: 'The kit and the migrations are below the services.',
      severity: 'error',
      from: { path: '^(services/kit|migrations)/', pathNot: notTests },
      to: { path: '^services/(catalog|users|bookings|gateway)/' },
    },
    {
      name: 'seed-imports-schemas-and-repositories-of-the-catalog',
      comment:
        'Seed files are checked and stored as the API does it, without its handlers and services.',
      severity: 'error',
      from: { path: '^seed/', pathNot: notTests },
      to: {
        path: '^services/(catalog|users|bookings|gateway)/',
        pathNot: '^services/catalog/src/(request-bodies|.*\\.(schema|repository))\\.ts$',
      },
    },
    {
      name: 'backups-import-the-audit',
      severity: 'error',
      from: { path: '^backups/', pathNot: notTests },
      to: {
        path: '^services/(catalog|users|bookings|gateway)/',
        pathNot: '^services/bookings/src/(audit|seats/seats\\.checks)\\.ts$',
      },
    },
    {
      name: 'kit-knows-nothing-above-it',
      severity: 'error',
      from: { path: '^services/kit/src/' },
      to: { path: '^(migrations|seed)/' },
    },
    {
      name: 'operator-layers',
      comment:
        'reconcile -> components -> steps -> objects -> runtime and resource; nothing imports upward.',
      severity: 'error',
      from: { path: '^operator/src/(runtime|resource|objects|steps|components)/' },
      to: { path: '^operator/src/(reconcile/|main|operator\\.)' },
    },
    {
      name: 'operator-steps-know-no-component',
      severity: 'error',
      from: { path: '^operator/src/(runtime|resource|objects|steps)/' },
      to: { path: '^operator/src/components/' },
    },
    {
      name: 'operator-objects-know-no-step',
      severity: 'error',
      from: { path: '^operator/src/(runtime|resource|objects)/' },
      to: { path: '^operator/src/steps/' },
    },
    {
      name: 'operator-foundations-know-no-object',
      comment: 'The runtime knows nothing of movies, the schema nothing of the cluster.',
      severity: 'error',
      from: { path: '^operator/src/(runtime|resource)/' },
      to: { path: '^operator/src/objects/' },
    },
    {
      name: 'no-tests-in-production',
      comment:
        'Production code does not import test code. Benchmarks may start the same containers.',
      severity: 'error',
      from: { path: '/src/', pathNot: '^bench/' },
      to: { path: notTests },
    },
    {
      name: 'no-undeclared-packages',
      comment: 'A package that is only hoisted is missing from the image.',
      severity: 'error',
      from: { path: '/src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
    {
      name: 'one-module-knows-prom-client',
      comment:
        'prom-client is in maintenance: one module imports it, so it can be replaced in one place.',
      severity: 'error',
      from: { pathNot: '^services/kit/src/metrics\\.ts$' },
      to: { path: '^node_modules/prom-client/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(\\.data|coverage|results)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
    progress: { type: 'none' },
  },
};
