import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { stringify } from 'yaml';

import { findDebianTool, promtool as promtoolPackage } from '../../scripts/debian-tool.ts';
import type { Alert, Scene } from '../src/alert.ts';
import { alerts } from '../src/alerts.ts';
import { alertRule, plainRules, ruleGroups } from '../src/rules.ts';

const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-rules-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const tool = findDebianTool(promtoolPackage);
const hasPromtool = 'command' in tool;
const lacksPromtool = hasPromtool ? '' : tool.missing;

const promtool = (...args: string[]): { status: number | null; output: string } => {
  const command = hasPromtool ? tool.command : 'promtool';
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  return { status, output: stdout + stderr };
};

writeFileSync(join(folder, 'rules.yaml'), plainRules());

const rendered = (text: string, labels: Record<string, string>): string =>
  text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '');

/** One case in the format of `promtool test rules`: the alerts with this name that fire, exactly. */
const caseOf = (alert: Alert, scene: Scene, fires: boolean): object => {
  const { name, severity, labels } = alert;
  return {
    interval: scene.interval ?? '1m',
    input_series: Object.entries(scene.series).map(([series, values]) => ({ series, values })),
    alert_rule_test: [
      {
        eval_time: scene.at,
        alertname: name,
        exp_alerts: fires
          ? [
              {
                exp_labels: { severity, ...labels },
                exp_annotations: Object.fromEntries(
                  Object.entries(alertRule(alert).annotations).map(([key, text]) => [
                    key,
                    rendered(text, labels),
                  ]),
                ),
              },
            ]
          : [],
      },
    ],
  };
};

/** Whether the alert fires in the scene, or is silent in it, as `fires` says. */
const judge = (
  alert: Alert,
  scene: Scene,
  fires: boolean,
): { status: number | null; output: string } => {
  const tests = {
    rule_files: ['rules.yaml'],
    // Without an order promtool evaluates the groups in any. An alert before the rules it reads sees values of the
    // interval before, which are too old in a scene with long intervals.
    group_eval_order: ruleGroups().map(({ name }) => name),
    evaluation_interval: scene.interval ?? '1m',
    tests: [caseOf(alert, scene, fires)],
  };
  writeFileSync(join(folder, 'case.yaml'), stringify(tests, { aliasDuplicateObjects: false }));
  return promtool('test', 'rules', 'case.yaml');
};

/** Compared with the output too, so that a failure prints it. */
const passed = { status: 0, output: expect.any(String) };

describe('the rules', () => {
  testIf(hasPromtool, lacksPromtool)('are understood by Prometheus', () => {
    expect(promtool('check', 'rules', 'rules.yaml')).toEqual(passed);
  });

  test('have a name each', () => {
    expect(new Set(alerts.map(({ name }) => name)).size).toBe(alerts.length);
  });

  testIf(hasPromtool, lacksPromtool)(
    'a case whose alert does not fire as expected is noticed',
    () => {
      const [alert] = alerts;
      expect(judge(alert!, alert!.silent, true).status).toBe(1);
      expect(judge(alert!, alert!.fires, false).status).toBe(1);
    },
  );
});

describe.each(alerts.map((alert) => [alert.name, alert] as const))('%s', (_, alert) => {
  testIf(hasPromtool, lacksPromtool)('fires for its cause', () => {
    expect(judge(alert, alert.fires, true)).toEqual(passed);
  });

  testIf(hasPromtool, lacksPromtool)('is silent otherwise', () => {
    expect(judge(alert, alert.silent, false)).toEqual(passed);
  });
});

test('docs/alerts.md has a section for each alert, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/alerts.md'), 'utf8');
  const sections = [...page.matchAll(/^## (MovieTicketing\w+)$/gm)].map(([, heading]) => heading);
  expect(sections.toSorted()).toEqual(alerts.map(({ name }) => name).toSorted());
});
