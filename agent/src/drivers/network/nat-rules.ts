import { digest } from '@drover/shared/lib/digest';
import type { ParsedNatSettings } from './nat-settings.ts';

/** The one nftables table of a NAT network. Bridge names have no underscores, so two bridges never share a table. */
export function natTableName(instance: string, bridge: string): string {
  return `drover${instance}_${bridge.replaceAll('-', '_')}`;
}

/** Is what `nft list table` shows what we would load? By the digest in the table's comment, and as many rules as there should be: versions of nft print them differently. */
export function areNatRules(listed: string, settings: ParsedNatSettings): boolean {
  return listed.includes(comment(settings)) && countRules(listed) === countRules(rules(settings));
}

const comment = (settings: ParsedNatSettings): string => `comment "drover ${digest(rules(settings)).slice(0, 16)}"`;

function countRules(text: string): number {
  return text.split('\n').filter((line) => /\S/.test(line) && !/^\s*(table|chain|type|comment|policy|\})/.test(line)).length;
}

/** Text for `nft -f -` that replaces the network's own table in one transaction and touches no other. */
export function natRuleset(instance: string, settings: ParsedNatSettings): string {
  const table = `table inet ${natTableName(instance, settings.bridge)}`;
  // The first line makes the table when it is missing, so that the second never fails.
  return `${table} {}\ndelete ${table}\n${table} {\n  ${comment(settings)}\n${rules(settings)}}\n`;
}

/** Both values are checked: a bridge's name has no character that nft gives a meaning, a subnet is digits, dots and a slash. */
function rules({ bridge, subnet }: ParsedNatSettings): string {
  return `  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet.text} ip daddr != ${subnet.text} oifname != "${bridge}" masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" oifname "${bridge}" accept
    iifname "${bridge}" ip saddr != ${subnet.text} drop
    iifname "${bridge}" accept
    oifname "${bridge}" ct state established,related accept
    oifname "${bridge}" ct status dnat accept
    oifname "${bridge}" drop
  }
`;
}
