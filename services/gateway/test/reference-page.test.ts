import { existsSync } from 'node:fs';

import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';

import { startTestSystem, type TestSystem } from '../testing/system.ts';

const executablePath = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => existsSync(path));
const test = testIf(
  executablePath !== undefined,
  'no Chromium at /usr/bin/chromium: apt-get install chromium',
);

let system: TestSystem;
let browser: Browser | undefined;

beforeAll(async () => {
  system = await startTestSystem();
  if (executablePath === undefined) return;
  browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await system.stop();
});

type Visit = {
  page: Page;
  /** Requests to anywhere but the server under test; each was refused. */
  elsewhere: string[];
  /** What the page complained of: errors, and loads that its CSP refused. */
  complaints: string[];
};

/** The page as a browser without a network shows it. */
const visit = async (path: string): Promise<Visit> => {
  if (browser === undefined) throw new Error('there is no browser');
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  const elsewhere: string[] = [];
  const complaints: string[] = [];
  await page.route('**/*', (route) => {
    const address = route.request().url();
    if (address.startsWith(system.url) || address.startsWith('data:')) return route.continue();
    elsewhere.push(address);
    return route.abort();
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) {
      complaints.push(message.text());
    }
  });
  await page.goto(`${system.url}${path}`);
  return { page, elsewhere, complaints };
};

describe('the reference page', () => {
  test('shows every operation without any other network', async () => {
    const { page, elsewhere, complaints } = await visit('/docs');
    await page.locator('.opblock').first().waitFor();
    const operations = Object.values(system.document.paths).flatMap((path) => Object.keys(path));
    expect(await page.locator('.opblock').count()).toBe(operations.length);
    expect(await page.title()).toBe('Movie ticketing: API reference');
    await page.locator('#operations-Bookings-createBooking button').first().click();
    await page.getByText('Takes the seats at once').waitFor();
    const screenshots = process.env['SCREENSHOTS'];
    if (screenshots !== undefined) {
      await page.screenshot({ path: `${screenshots}/docs.png`, fullPage: true });
    }
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  }, 300_000);

  test('can send a request to the server', async () => {
    const { page, complaints } = await visit('/docs#/Service/ping');
    const block = page.locator('#operations-Service-ping');
    await block.getByRole('button', { name: 'Try it out' }).click();
    await block.getByRole('button', { name: 'Execute' }).click();
    await block.locator('.live-responses-table').getByText('"pong"').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  }, 300_000);

  test('its policy blocks scripts and images of other origins', async () => {
    const { page, complaints } = await visit('/docs');
    await page.evaluate(async () => {
      // The types of a browser are not this project's: this text runs in one.
      const { document: dom } = globalThis as unknown as {
        document: { createElement: (tag: string) => any; body: { append: (it: any) => void } };
      };
      const script = dom.createElement('script');
      script.src = 'https://evil.example/x.js';
      const refused = new Promise((resolve) => (script.onerror = resolve));
      dom.body.append(script);
      await refused;
    });
    expect(complaints.join('\n')).toMatch(/Content Security Policy/);
    await page.close();
  }, 300_000);

  test('answers HEAD, If-None-Match and other methods as HTTP requires', async () => {
    const get = await system.api('GET', '/docs');
    expect(get.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const again = await system.api('GET', '/docs', {
      headers: { 'If-None-Match': String(get.headers.get('etag')) },
    });
    expect([again.status, again.body]).toEqual([304, '']);
    const head = await system.api('HEAD', '/docs/swagger-ui-bundle.js');
    expect([head.status, head.body]).toEqual([200, '']);
    const post = await system.api('POST', '/docs');
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await system.api('GET', '/docs/../main.ts')).status).toBe(404);
    expect((await system.api('GET', '/docs/%2e%2e/package.json')).status).toBe(404);
  });
});
