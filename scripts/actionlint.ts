import { runGoTool } from './go-tool.ts';

/** Lints the workflows in .github/workflows. */
runGoTool(
  {
    name: 'actionlint',
    package: 'github.com/rhysd/actionlint/cmd/actionlint',
    version: 'v1.7.12',
    versionArgs: ['-version'],
  },
  [],
);
