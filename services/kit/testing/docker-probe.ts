import { request } from 'node:http';

const timeoutMs = 2000;

export type DockerFindings =
  { usable: true; reaperImage: boolean } | { usable: false; why: string };

type Target = { socketPath: string } | { host: string; port: number };

const targetOf = (dockerHost: string): Target | null => {
  const unix = /^unix:\/\/(.+)$/.exec(dockerHost)?.[1];
  if (unix !== undefined) return { socketPath: unix };
  const tcp = /^(?:tcp|http):\/\/([^:/]+):(\d+)/.exec(dockerHost);
  const [, host, port] = tcp ?? [];
  return host === undefined ? null : { host, port: Number(port) };
};

/** The status and body, or null if no response arrives in time. */
const get = (target: Target, path: string): Promise<{ status: number; body: string } | null> => {
  return new Promise((resolve) => {
    const asked = request(
      { ...target, path, signal: AbortSignal.timeout(timeoutMs) },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('error', () => {
          resolve(null);
        });
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body });
        });
      },
    );
    asked.on('error', () => {
      resolve(null);
    });
    asked.end();
  });
};

/** Asks the Docker engine, and pulls nothing: a pull hangs where no registry can be reached. */
export const probeDocker = async (
  image: string,
  dockerHost = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock',
): Promise<DockerFindings> => {
  const target = targetOf(dockerHost);
  if (target === null) return { usable: false, why: `DOCKER_HOST=${dockerHost} is not supported` };
  const ping = await get(target, '/_ping');
  if (ping?.status !== 200)
    return { usable: false, why: `no Docker engine answers at ${dockerHost}` };
  const found = await get(target, `/images/${image}/json`);
  if (found?.status !== 200) return { usable: false, why: `Docker has no image ${image}` };
  const filters = encodeURIComponent(JSON.stringify({ reference: ['testcontainers/ryuk'] }));
  const reaper = await get(target, `/images/json?filters=${filters}`);
  return { usable: true, reaperImage: reaper?.status === 200 && reaper.body.trim() !== '[]' };
};
