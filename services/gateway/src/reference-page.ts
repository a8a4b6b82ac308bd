import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { Locals } from '@movie-ticketing/kit/http-app';
import { invalid, Problem } from '@movie-ticketing/kit/problems';
import { hasCurrent, writeResponse, type HeaderList } from '@movie-ticketing/kit/response';
import { Router, type Request, type RequestHandler, type Response } from 'express';

type Page = { body: Buffer; contentType: string; etag: string; cacheControl: string };

/** The page may load files from this server and call its API, and nothing else. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  // Swagger UI writes style attributes.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Movie ticketing: API reference</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="stylesheet" href="/docs/reference.css">
    <link rel="icon" type="image/png" href="/docs/favicon.png">
  </head>
  <body>
    <div id="reference"></div>
    <noscript>This page needs JavaScript. The OpenAPI document is at <a href="/openapi.json">/openapi.json</a>.</noscript>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/reference.js"></script>
  </body>
</html>
`;

const script = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
});
`;

const style = `html { box-sizing: border-box; overflow-y: scroll; }
*, *::before, *::after { box-sizing: inherit; }
body { margin: 0; background: #fafafa; }
.swagger-ui .info { margin: 24px 0; }
`;

const page = (body: Buffer | string, contentType: string, cacheControl = 'no-cache'): Page => {
  const bytes = Buffer.from(body);
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`;
  return { body: bytes, contentType, etag, cacheControl };
};

const readPages = (): ReadonlyMap<string, Page> => {
  const { resolve } = createRequire(import.meta.url);
  const asset = (file: string, contentType: string): Page =>
    page(readFileSync(resolve(`swagger-ui-dist/${file}`)), contentType, 'public, max-age=3600');
  const css = 'text/css; charset=utf-8';
  const javascript = 'text/javascript; charset=utf-8';
  return new Map([
    ['/docs', page(html, 'text/html; charset=utf-8')],
    ['/docs/reference.js', page(script, javascript)],
    ['/docs/reference.css', page(style, css)],
    ['/docs/swagger-ui-bundle.js', asset('swagger-ui-bundle.js', javascript)],
    ['/docs/swagger-ui.css', asset('swagger-ui.css', css)],
    ['/docs/favicon.png', asset('favicon-32x32.png', 'image/png')],
  ]);
};

/** GET /docs and the files that it loads, read once: the page needs no other network. */
export const makeReferencePage = (): RequestHandler => {
  const router = Router();
  for (const [path, file] of readPages()) {
    router.all(path, (req, res) => {
      (res.locals as Locals).route = path;
      sendPage(file, req, res);
    });
  }
  return router;
};

const sendPage = (file: Page, req: Request, res: Response): void => {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    throw new Problem('method_not_allowed', {
      detail: 'Use GET or HEAD.',
      headers: { Allow: 'GET, HEAD' },
    });
  }
  const [unknown] = Object.keys(req.query);
  if (unknown !== undefined) throw invalid(unknown, 'is not a parameter of this page');
  const { headers } = res.locals as Locals;
  const all = [
    ...withoutPolicy(headers),
    'Content-Security-Policy',
    contentSecurityPolicy,
    'Cache-Control',
    file.cacheControl,
    'ETag',
    file.etag,
  ];
  if (hasCurrent(req, file.etag)) writeResponse(res, 304, all);
  else writeResponse(res, 200, [...all, 'Content-Type', file.contentType], file.body);
};

/** The headers of every answer but the policy, for which a page has its own. */
const withoutPolicy = (headers: HeaderList): string[] => {
  const at = headers.indexOf('Content-Security-Policy');
  return headers.toSpliced(at, at === -1 ? 0 : 2);
};
