import { CreateImage, UploadImage } from '@drover/shared/api/requests';
import { CatalogueView, ImageView } from '@drover/shared/api/views';
import { assert } from '@drover/shared/lib/assert';
import { Problem } from '@drover/shared/lib/problem';
import { CATALOGUE, type ImageSource } from '@drover/shared/model/image';
import { z } from 'zod';
import type { Accepted } from '../../core/change.ts';
import { createImage, removeImage } from '../../core/fabric.ts';
import { refuseUnpermitted } from '../../core/permitted.ts';
import type { CreateImageView } from '../../core/views.ts';
import type { OnHost } from '../../db/store.ts';
import { actor } from '../act.ts';
import { askOf } from '../ask.ts';
import { AcceptedImage, AcceptedImageDeletion, ImagePage } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { onImage, somewhere } from '../need.ts';
import { findPlaced } from '../placed.ts';
import { roomFor } from '../room.ts';
import { type Route, route } from '../route.ts';
import { taskViewById } from '../task-answer.ts';
import type { UploadRoom } from '../upload.ts';
import { imageView } from '../views.ts';
import { ListAll, Ref } from './params.ts';

const IMAGE = '/api/v1/images/{image}';
const params = z.object({ image: Ref });

export function imageRoutes(deps: AppDeps, room: UploadRoom): Route[] {
  const { store } = deps;
  const act = actor(deps);
  async function viewsOf(rows: readonly OnHost<'image'>[]): Promise<ImageView[]> {
    const users = await store.usersOfImages(rows.map(({ resource }) => resource.id));
    return rows.map((row) => imageView(row, users.get(row.resource.id) ?? []));
  }
  const viewOf = async (row: OnHost<'image'>): Promise<ImageView> => {
    const [view] = await viewsOf([row]);
    assert(view, 'each row has its view');
    return view;
  };

  async function answerTo({ ref, taskId }: Accepted) {
    const [row, task] = await Promise.all([store.placed('image', ref.id), taskViewById(store, taskId)]);
    if (!row) throw new Problem('gone', `image ${ref.id} has been deleted since`);
    return {
      body: { resource: await viewOf(row), task },
      generation: row.resource.generation,
      headers: { location: `/api/v1/images/${ref.id}` },
    };
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/images',
      right: somewhere('Datastore.Audit'),
      tag: 'images',
      summary: 'List images by name',
      query: ListAll,
      response: ImagePage,
      async handler({ query, caller }) {
        const { items, next, total } = await store.allPlaced('image', query, caller.rights.within('Datastore.Audit', '/storage'));
        return { body: { items: await viewsOf(items), next, total } };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/images/catalogue',
      right: 'self',
      tag: 'images',
      summary: 'What can be asked for by name alone',
      response: CatalogueView,
      handler: async () => ({ body: { items: [...CATALOGUE] } }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/images/upload',
      right: somewhere('Datastore.AllocateTemplate'),
      tag: 'images',
      summary: 'Upload an image',
      description: 'The body is the file itself. It is kept whole or not at all, and goes on to its host by itself.',
      query: UploadImage,
      bytes: 'application/octet-stream',
      status: 202,
      response: AcceptedImage,
      async handler(call) {
        const { name, form } = call.query;
        const ask = askOf(call, deps);
        const decide = (host: string | undefined, source: ImageSource) => (view: CreateImageView) =>
          createImage(view, { name, form, host, source }, ask);
        const load = (host: string | undefined) => () =>
          roomFor(store, { host, rights: call.caller.rights, what: 'image' }, () => store.views.createImage({ host }));
        return room.receive(call, {
          // Refused before the sending rather than after it, and settled where it goes.
          async place(source) {
            const { change } = decide(call.query.host, source)(await load(call.query.host)());
            refuseUnpermitted(change, call.caller.rights);
            const wish = change.wishes?.find(({ kind }) => kind === 'image');
            assert(wish, 'a decision to make an image wishes for one');
            return wish.hostId;
          },
          async keep(source, hostId) {
            const { answer, repeated } = await act(call, load(hostId), decide(hostId, source));
            return { kept: !repeated, answer: await answerTo(answer) };
          },
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/images',
      right: somewhere('Datastore.AllocateTemplate'),
      tag: 'images',
      summary: 'Build or download an image',
      body: CreateImage,
      status: 202,
      response: AcceptedImage,
      async handler(call) {
        const ask = askOf(call, deps);
        const { host } = call.body;
        const room = { host, rights: call.caller.rights, what: 'image' } as const;
        const load = () => roomFor(store, room, () => store.views.createImage({ host }));
        return answerTo((await act(call, load, (view) => createImage(view, call.body, ask))).answer);
      },
    }),
    route({
      method: 'GET',
      path: IMAGE,
      right: onImage('Datastore.Audit'),
      tag: 'images',
      summary: 'One image',
      params,
      response: ImageView,
      async handler(call) {
        const view = await viewOf(await findPlaced(store, 'image', call.params.image));
        return { body: view, generation: view.generation };
      },
    }),
    route({
      method: 'DELETE',
      path: IMAGE,
      right: onImage('Datastore.AllocateTemplate'),
      tag: 'images',
      summary: 'Delete an image',
      params,
      status: 202,
      conditional: true,
      response: AcceptedImageDeletion,
      async handler(call) {
        const ask = askOf(call, deps);
        const load = async () => store.views.onImage((await findPlaced(store, 'image', call.params.image)).resource.id);
        const { answer } = await act(call, load, (view) => removeImage(view, ask));
        const [row, task] = await Promise.all([store.placed('image', answer.ref.id), taskViewById(store, answer.taskId)]);
        return { body: { resource: row && (await viewOf(row)), task } };
      },
    }),
  ];
}
