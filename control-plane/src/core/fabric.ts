import type { CreateImage } from '@drover/shared/api/requests';
import type { ImageSource } from '@drover/shared/model/image';
import type { Accepted, Ask, Decision } from './change.ts';
import type { CreateImageView, ImageDecisionView } from './views.ts';

/** `source`: for an upload, which CreateImage does not allow people to write. */
export declare function createImage(
  view: CreateImageView,
  input: Omit<CreateImage, 'source'> & { readonly source?: ImageSource | undefined },
  ask: Ask,
): Decision<Accepted>;
export declare function removeImage(view: ImageDecisionView, ask: Ask): Decision<Accepted>;
