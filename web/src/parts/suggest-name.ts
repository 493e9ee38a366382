import type { Random } from '@drover/shared/lib/random';

/** Short, easy to say and to type, and never the name of anything a computer does. */
const WORDS =
  'heron birch otter cedar finch maple robin alder swift hazel egret aspen plover rowan lark willow wren juniper siskin larch dunlin myrtle curlew linden martin sorrel pipit clover avocet thyme'.split(
    ' ',
  );

export function suggestName(random: Random): string {
  const word = WORDS[Math.floor(random.fraction() * WORDS.length)] ?? 'heron';
  return `${word}-${random.text(2)}`;
}
