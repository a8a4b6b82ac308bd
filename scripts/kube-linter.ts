import { runGoTool } from './go-tool.ts';

/** Lints the manifests in k8s/ by the rules of .kube-linter.yaml. */
runGoTool(
  {
    name: 'kube-linter',
    package: 'golang.stackrox.io/kube-linter/cmd/kube-linter',
    version: 'v0.7.2',
    versionArgs: ['version'],
  },
  ['lint', '--config', '.kube-linter.yaml', 'k8s'],
);
