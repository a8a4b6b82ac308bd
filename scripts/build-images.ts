import { buildImages, loadImages } from './images.ts';

/**
 * Builds every artifact's image: `node scripts/build-images.ts [tag]`. With IMAGE_LOAD_COMMAND, for
 * instance `minikube image load`, they are put into a cluster too.
 */
const tag = process.argv[2] ?? '1.0.0';
const images = await buildImages(tag);
await loadImages(images, process.env['IMAGE_LOAD_COMMAND']);
