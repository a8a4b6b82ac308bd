import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { runGoTool } from './go-tool.ts';

const folder = 'k8s/base';

/** Against our choices: images are versioned, so nodes may keep them; Node.js images use the uid 1000. */
const ignoredTests = ['container-image-pull-policy', 'container-security-context-user-group-id'];

/** Checks the manifests in k8s/base. */
runGoTool(
  {
    name: 'kube-score',
    package: 'github.com/zegl/kube-score/cmd/kube-score',
    version: 'v1.20.0',
    versionArgs: ['version'],
  },
  [
    'score',
    ...ignoredTests.flatMap((name) => ['--ignore-test', name]),
    '--exit-one-on-warning',
    ...readdirSync(join(import.meta.dirname, '..', folder))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => join(folder, name)),
  ],
);
