import { digest } from '@drover/shared/lib/digest';
import type { ParsedNatSettings } from './nat-settings.ts';

/** The one nftables table of a NAT network. Bridge names have no underscores, so two bridges never share a table. */
export function natTableName(instance: string, bridge: string): string {
  return `drover${instance}_${bridge.replaceAll('-', '_')}`;
}

/** Stands in the table's comment: tells whether what is loaded is what we would load. */
export function natRulesDigest(settings: ParsedNatSettings): string {
  return digest(rules(settings)).slice(0, 16);
}

/** Text for `nft -f -` that replaces the network's own table in one transaction and touches no other. */
export function natRuleset(instance: string, settings: ParsedNatSettings): string {
  const table = `table inet ${natTableName(instance, settings.bridge)}`;
  // The first line makes the table when it is missing, so that the second never fails.
  return `${table} {}\ndelete ${table}\n${table} {\n  comment "drover ${natRulesDigest(settings)}"\n${rules(settings)}}\n`;
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
