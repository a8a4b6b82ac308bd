import { buildImages, loadImages } from './images.ts';

/**
 * Builds the image of every artifact: `node scripts/build-images.ts [tag]`. With IMAGE_LOAD_COMMAND, for
 * example `minikube image load`, also loads them into a cluster.
 */
const tag = process.argv[2] ?? '1.0.0';
const images = await buildImages(tag);
await loadImages(images, process.env['IMAGE_LOAD_COMMAND']);
