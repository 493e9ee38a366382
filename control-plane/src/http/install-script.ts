import { shellWord } from './shell-word.ts';

export interface AgentPackage {
  /** drover-agent_0.1.0_all.deb */
  readonly name: string;
  readonly version: string;
  /** In hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Where hosts fetch the package from, below the control plane's address. */
export const PACKAGE_PATH = '/agent/v1/drover-agent.deb';

/** `curl -fsSL URL/install.sh | sudo sh -s -- --token TOKEN`: makes a plain Debian a host of the control plane at `url`. */
export function installScript(url: string, { version, sha256 }: AgentPackage): string {
  return `#!/bin/sh
# Makes this Debian machine a host of the Drover control plane at the address below. Nothing is changed before all checks have passed.
#   curl -fsSL ${url}/install.sh | sudo sh -s -- --token TOKEN [--dry-run] [--new-key]
set -eu

url=${shellWord(url)}
version=${shellWord(version)}
sha256=${shellWord(sha256)}
data=/var/lib/drover/agent
token= dry= new_key=

say() { printf '%s\\n' "$*"; }
good() { printf '  ok    %s\\n' "$*"; }
note() { printf '  note  %s\\n' "$*"; }
bad() { printf '  NO    %s\\n' "$*"; failed=1; }
fail() { printf 'drover: %s\\n' "$*" >&2; exit 1; }

# In one piece: a download that breaks off must not be carried out by half.
main() {
	while [ $# -gt 0 ]; do
		case $1 in
			--token) [ $# -ge 2 ] || fail '--token needs the token that the control plane showed'; token=$2; shift 2 ;;
			--dry-run) dry=1; shift ;;
			--new-key) new_key=--new-key; shift ;;
			*) fail "what is $1? There are --token TOKEN, --dry-run, --new-key" ;;
		esac
	done
	[ -n "$token" ] || [ -n "$dry" ] || [ -e "$data/agent.json" ] || fail 'the token is missing: Add a host, on the page, or "drover host add" shows the whole line'
	check
	if [ -n "$dry" ]; then show; exit 0; fi
	set_up
}

check() {
	failed=
	say "Is this machine fit to be a host of $url?"
	if [ "$(id -u)" = 0 ]; then good 'root'; else bad 'not root: put sudo before sh'; fi
	release=$(. /etc/os-release 2>/dev/null && printf '%s %s' "\${ID:-}" "\${VERSION_ID:-}") || release=
	case $release in
		'debian 12' | 'debian 13') good "Debian \${release#debian }" ;;
		*) bad "this is \${release:-no system that says what it is}, not Debian 12 or 13" ;;
	esac
	case $(dpkg --print-architecture 2>/dev/null) in
		amd64 | arm64) good "$(dpkg --print-architecture)" ;;
		*) bad 'neither amd64 nor arm64' ;;
	esac
	if [ -d /run/systemd/system ]; then good 'systemd'; else bad 'systemd does not run here: nothing would keep the agent running'; fi
	if [ "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ]; then good 'cgroup v2'
	else bad 'no cgroup v2: remove systemd.unified_cgroup_hierarchy=0 from the kernel command line'; fi
	if grep -qE '\\<(vmx|svm)\\>' /proc/cpuinfo && [ -e /dev/kvm ]; then good 'hardware virtualization (KVM)'
	elif [ "$(uname -m)" = aarch64 ] && [ -e /dev/kvm ]; then good 'hardware virtualization (KVM)'
	else note 'no KVM: virtual machines are emulated, at a tenth of the speed; containers are not affected. Perhaps the BIOS has it switched off'; fi
	free_mib=$(df -Pm /var/lib | awk 'NR == 2 { print $4 }')
	if [ "\${free_mib:-0}" -ge 2048 ]; then good "$free_mib MiB free in /var/lib"; else bad "only \${free_mib:-0} MiB free in /var/lib: 2048 are needed, guests need more"; fi
	date=$(fetch --head "$url/install.sh" 2>/dev/null | tr -d '\\r' | sed -n 's/^[Dd]ate: //p')
	if [ -z "$date" ]; then bad "$url is not reached from here"; else
		good "$url is reached"
		off=$(( $(date +%s) - $(date -d "$date" +%s) ))
		off=\${off#-}
		if [ "$off" -le 60 ]; then good 'the clock'; else bad "the clock is $off s off: apt install systemd-timesyncd"; fi
	fi
	[ -z "$failed" ] || fail 'mend what is marked NO, then run this line again; nothing was changed'
}

fetch() { curl --fail --silent --show-error --location --connect-timeout 10 --max-time 300 "$@"; }

# Into $work, and whole.
get_package() {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	chmod 755 "$work"
	fetch --output "$work/drover-agent.deb" "$url${PACKAGE_PATH}"
	printf '%s  %s\\n' "$sha256" "$work/drover-agent.deb" | sha256sum --check --quiet - || fail 'the package is not the one that was announced: run this line again'
}

show() {
	get_package
	say 'What would be done, without --dry-run:'
	say "  fetch $url${PACKAGE_PATH} (drover-agent $version, SHA-256 $sha256)"
	say '  install it and, from Debian, what it needs:'
	apt-get --simulate --no-install-recommends install "$work/drover-agent.deb" | sed -n 's/^Inst \\([^ ]*\\).*/    \\1/p'
	say "  enrol: a key is made in $data and stays there"
	say '  start drover-agent.service, now and at each boot'
}

set_up() {
	say 'Fetching the agent …'
	get_package
	# Debian's lxc would make a bridge of its own, which nobody needs here. One that is here already keeps what it has.
	if [ ! -e /etc/default/lxc-net ] && ! dpkg-query --show lxc >/dev/null 2>&1; then
		printf '# Written when Drover was installed: guests use the networks that Drover makes.\\nUSE_LXC_BRIDGE="false"\\n' >/etc/default/lxc-net
	fi
	say 'Installing it, and from Debian what it needs (a minute or two) …'
	export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
	apt-get -q -o DPkg::Lock::Timeout=300 update >"$work/apt.log" 2>&1 || :
	apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold --no-install-recommends --allow-downgrades \\
		install "$work/drover-agent.deb" >>"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2; fail 'apt-get could not install it; above is what it said'; }
	if [ -n "$token" ]; then
		drover-agent enrol --url "$url" --token "$token" --data "$data" $new_key
	fi
	systemctl restart drover-agent.service
	name=$(sed -n 's/.*"name": *"\\([a-z0-9.-]*\\)".*/\\1/p' "$data/identity.json" | head -n 1)
	say "This machine is host \${name:-} of $url/hosts/\${name:-}"
	say 'What it does: journalctl -u drover-agent'
}

main "$@"
`;
}
