import { shellWord } from '@drover/shared/lib/shell-word';
import type { AgentRelease } from '@drover/shared/model/task';
import { AGENT_PACKAGE_PATH, type PublicKey, RELEASE_PATH } from '@drover/shared/protocol/agent-api';

/** `curl -fsSL URL/install.sh | sudo sh -s -- --token TOKEN`: makes a plain Debian a host of the control plane at `url`, whose signing key is `publicKey`. */
export function installScript(url: string, { version, sha256 }: AgentRelease, publicKey: PublicKey): string {
  return `#!/bin/sh
# Makes this Debian machine a host of the Drover control plane at the address below. Nothing is changed before all checks have passed.
#   curl -fsSL ${url}/install.sh | sudo sh -s -- --token TOKEN [--dry-run] [--new-key]
# The token may also come in the environment, as DROVER_TOKEN.
set -eu

url=${shellWord(url)}
version=${shellWord(version)}
sha256=${shellWord(sha256)}
signing_key=${shellWord(publicKey.x)}
data=/var/lib/drover/agent
token=\${DROVER_TOKEN:-} dry= new_key= set_clock= host= host_url= known=

say() { printf '%s\\n' "$*"; }
good() { printf '  ok    %s\\n' "$*"; }
note() { printf '  note  %s\\n' "$*"; }
bad() { printf '  NO    %s\\n' "$*"; failed="\${failed:+$failed; }$*"; }
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
	unset DROVER_TOKEN
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
	said=$(fetch --head "$url/install.sh" 2>&1) || :
	date=$(date_of "$said")
	if [ -z "$date" ]; then bad "$url is not reached from here: $(printf '%s' "$said" | tail -n 1)"; else
		good "$url is reached"
		check_clock
		[ -z "$token" ] || check_token
	fi
	check_agents
	[ -z "$failed" ] || fail "nothing was changed: $failed"
}

date_of() { printf '%s\\n' "$1" | tr -d '\\r' | sed -n 's/^[Dd]ate: //p' | tail -n 1; }

# Drover works by the control plane's clock, whatever this one says; but apt and certificates would not.
check_clock() {
	ahead=$(( $(date +%s) - $(date -d "$date" +%s) ))
	off=\${ahead#-}
	if [ "$off" -le 60 ]; then good 'the clock'; return; fi
	if [ "$ahead" -gt 0 ]; then off="$off s ahead of"; else off="$off s behind"; fi
	if [ "$(timedatectl show --property=NTPSynchronized --value 2>/dev/null)" = yes ]; then
		note "the clock is $off the control plane's, but set by NTP: it is left as it is. Is the control plane's right?"
	else
		note "the clock is $off the control plane's: it will be set by that one. apt install systemd-timesyncd keeps it right"
		set_clock=1
	fi
}

# Not by an argument: those are seen by everybody on this machine.
check_token() {
	case $token in *[!A-Za-z0-9_-]*) bad 'the token is not one that was shown: copy the whole line again'; return ;; esac
	key=
	[ -n "$new_key" ] || key=$(sed -n 's/.*"x":"\\([A-Za-z0-9_-]*\\)".*/\\1/p' "$data/host-key.json" 2>/dev/null) || :
	[ -z "$key" ] || key=$(printf ',"publicKey":{"kty":"OKP","crv":"Ed25519","x":"%s"}' "$key")
	said=$(printf '{"token":"%s"%s}' "$token" "$key" |
		curl --silent --show-error --connect-timeout 10 --max-time 60 --header 'content-type: application/json' --data-binary @- \\
			--write-out '\\n%{http_code}' "$url/agent/v1/enrol/check" 2>&1) || :
	if [ "$(printf '%s' "$said" | tail -n 1)" = 200 ]; then
		good 'the token'
		known=$(field host "$said")
	else
		why=$(field detail "$said")
		what=$(field suggestion "$said")
		bad "\${why:-the token could not be tried: $said}\${what:+: $what}"
	fi
}

# A text in JSON of one line.
field() { printf '%s' "$2" | sed -n 's/.*"'"$1"'":"\\([^"]*\\)".*/\\1/p' | head -n 1; }

check_agents() {
	host=$(sed -n 's/^  "name": "\\(.*\\)".*/\\1/p' "$data/identity.json" 2>/dev/null) || :
	host_url=$(sed -n 's/^  "controlPlaneUrl": "\\(.*\\)".*/\\1/p' "$data/identity.json" 2>/dev/null) || :
	# Each agent that runs holds a name in the kernel; the service's own is no other.
	agents=$(grep -o '@drover-agent-[0-9a-f]*$' /proc/net/unix 2>/dev/null | sort -u | wc -l)
	if systemctl is-active --quiet drover-agent.service 2>/dev/null; then agents=$((agents - 1)); fi
	# The same control plane may have got another address: then it knows this host's key.
	if [ -n "$host_url" ] && [ "$host_url" != "$url" ] && [ -z "$known" ]; then
		bad "this machine is host $host of $host_url already: apt purge drover-agent takes it away from there"
	elif [ "$agents" -gt 0 ]; then
		bad 'another agent of Drover runs on this machine, started by hand: end it first'
	elif [ -n "$host_url" ] && [ -z "$new_key" ]; then note "this machine is host $host already, and stays that"
	fi
}

fetch() { curl --fail --silent --show-error --location --connect-timeout 10 --max-time 300 "$@"; }

# Into $work, and whole.
get_package() {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	chmod 755 "$work"
	fetch --output "$work/drover-agent.deb" "$url${AGENT_PACKAGE_PATH}"
	printf '%s  %s\\n' "$sha256" "$work/drover-agent.deb" | sha256sum --check --quiet - || fail 'nothing was changed: the package is not the one that was announced. Run this line again'
	check_signature || fail 'nothing was changed: the package is not signed by this control plane. Run this line again'
}

# What the control plane's key says of its package: a JWS (Ed25519) that names the digest.
check_signature() {
	if ! command -v openssl >/dev/null; then note 'there is no openssl here: the package was checked by its digest alone'; return; fi
	jws=$(field jws "$(fetch "$url${RELEASE_PATH}")")
	{ echo '-----BEGIN PUBLIC KEY-----'; printf 'MCowBQYDK2VwAyEA%s=\\n' "$signing_key" | tr '_-' '/+'; echo '-----END PUBLIC KEY-----'; } >"$work/key.pem"
	printf '%s' "\${jws%.*}" >"$work/signed"
	plain "\${jws##*.}" >"$work/signature" || return 1
	openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/signed" -sigfile "$work/signature" >/dev/null 2>&1 || return 1
	jws=\${jws#*.}
	claims=$(plain "\${jws%.*}") || return 1
	case $claims in *'"aud":"drover-release"'*) ;; *) return 1 ;; esac
	case $claims in *'"sha256":"'"$sha256"'"'*) ;; *) return 1 ;; esac
}

# Out of base64url.
plain() {
	text=$(printf '%s' "$1" | tr '_-' '/+')
	while [ $(( \${#text} % 4 )) -ne 0 ]; do text="$text="; done
	printf '%s' "$text" | base64 --decode 2>/dev/null
}

show() {
	get_package
	say 'What would be done, without --dry-run:'
	[ -z "$set_clock" ] || say "  set the clock to the control plane's"
	say "  fetch $url${AGENT_PACKAGE_PATH} (drover-agent $version, SHA-256 $sha256)"
	say '  install it and, from Debian, what it needs:'
	if ! simulate >"$work/apt.log" 2>&1; then
		# A fresh machine does not know yet what Debian has: it is asked, into a folder that goes again.
		mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
		own="-o Dir::State::Lists=$work/lists -o Dir::Cache=$work/cache -o APT::Sandbox::User=root"
		apt-get -q $own update >/dev/null 2>&1 || :
		simulate $own >"$work/apt.log" 2>&1 || { tail -n 5 "$work/apt.log" >&2; fail 'apt-get could not install it; above is what it says'; }
	fi
	sed -n 's/^Inst \\([^ ]*\\).*/    \\1/p' "$work/apt.log"
	[ -z "$token" ] || say "  enrol: a key is made in $data and stays there"
	say '  start drover-agent.service, now and at each boot'
}

# Leaves no trace, also not in apt's own caches.
simulate() { apt-get -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@" --simulate --no-install-recommends install "$work/drover-agent.deb"; }

set_up() {
	say 'Fetching the agent …'
	get_package
	if [ -n "$set_clock" ]; then date --utc --set="$(date_of "$(fetch --head "$url/install.sh")")" >/dev/null; fi
	# Debian's lxc would make a bridge of its own, which nobody needs here. One that is here already keeps what it has.
	lxc_net=
	if [ ! -e /etc/default/lxc-net ] && ! dpkg-query --show lxc >/dev/null 2>&1; then
		lxc_net=/etc/default/lxc-net
		printf '# Written when Drover was installed: guests use the networks that Drover makes.\\nUSE_LXC_BRIDGE="false"\\n' >"$lxc_net"
	fi
	say 'Installing it, and from Debian what it needs (a minute or two) …'
	before=$(cat "$data/agent.json" "$data/identity.json" 2>/dev/null) || :
	export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
	# Where all else is there already, Debian need not be asked.
	if [ "$(simulate 2>/dev/null | grep -c '^Inst ')" != 1 ]; then
		apt-get -q -o DPkg::Lock::Timeout=300 update >"$work/apt.log" 2>&1 || :
	fi
	if ! apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold --no-install-recommends --allow-downgrades \\
		install "$work/drover-agent.deb" >>"$work/apt.log" 2>&1; then
		[ -z "$lxc_net" ] || rm -f "$lxc_net"
		tail -n 20 "$work/apt.log" >&2
		fail 'apt-get could not install it; above is what it said'
	fi
	if [ -n "$token" ]; then
		DROVER_TOKEN=$token drover-agent enrol --url "$url" --data "$data" $new_key ||
			fail 'the agent is installed, but this machine is no host: run this line again, with a new token if that is what is wrong'
	fi
	# What the package has just restarted need not be restarted once more, unless there is news for it.
	if [ "$before" = "$(cat "$data/agent.json" "$data/identity.json")" ]; then systemctl start drover-agent.service
	else systemctl restart drover-agent.service; fi
	name=$(sed -n 's/.*"name": *"\\([a-z0-9.-]*\\)".*/\\1/p' "$data/identity.json" | head -n 1)
	say "This machine is host \${name:-} of $url/hosts/\${name:-}"
	say 'What it does: journalctl -u drover-agent'
}

main "$@"
`;
}
