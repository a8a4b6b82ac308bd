import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { allEndpoints } from './all-endpoints.ts';
import { pageFile, renderNginxConfig, upstreamsOf } from './nginx-config.ts';
import { recordOwnAnswers } from './own-answers.ts';
import { makeRouteTable } from './route-table.ts';

const usage = `Usage: node services/gateway/src/nginx-config.main.ts            print nginx.conf
       node services/gateway/src/nginx-config.main.ts FOLDER     write all files of the image there`;

/** Where the image has the contents of FOLDER. */
const installed = '/etc/nginx/gateway';

const [folder, ...rest] = process.argv.slice(2);
if (rest.length > 0 || folder?.startsWith('-') === true) {
  console.error(usage);
  process.exit(2);
}

const routes = makeRouteTable(allEndpoints());
const own = await recordOwnAnswers();
const pagesDir = `${installed}/pages`;
const config = renderNginxConfig(routes, { own, pagesDir, runDir: '/tmp/gateway' });
if (folder === undefined) {
  console.log(config);
} else {
  mkdirSync(join(folder, 'pages'), { recursive: true });
  writeFileSync(join(folder, 'nginx.conf'), config);
  writeFileSync(join(folder, 'services'), `${upstreamsOf(routes).join('\n')}\n`);
  for (const { path, body } of own.answers) {
    writeFileSync(join(folder, 'pages', pageFile(path)), body);
  }
}
