import { en } from './en.ts';

type Messages = typeof en;
export type MessageKey = keyof Messages;
type TextOf<M> = M extends string ? M : M[keyof M];
type NamesIn<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;
type CountOf<M> = M extends string ? never : 'count';
type Values<K extends MessageKey> = { readonly [N in NamesIn<TextOf<Messages[K]>> | CountOf<Messages[K]>]: string | number };

/** Messages that need no values: words for states and the like. */
export type PlainKey = { [K in MessageKey]: keyof Values<K> extends never ? K : never }[MessageKey];

const plural = new Intl.PluralRules('en');

/** A message with its values filled in; one with plural forms is chosen by `count`. The compiler knows which values each needs. */
export function t<K extends MessageKey>(key: K, ...[values]: keyof Values<K> extends never ? [] : [Values<K>]): string {
  const message: string | { readonly one: string; readonly other: string } = en[key];
  const given: Readonly<Record<string, string | number>> = values ?? {};
  const text = typeof message === 'string' ? message : message[plural.select(Number(given.count)) === 'one' ? 'one' : 'other'];
  return text.replace(/\{(\w+)\}/g, (_whole, name: string) => String(given[name]));
}
