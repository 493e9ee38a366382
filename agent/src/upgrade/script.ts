/**
 * Takes one package of the agent for another, in a unit of its own, because the agent ends over it. Plain shell, written beside the packages by the
 * agent that is to be replaced: whatever is wrong with the new one, this is not part of it. Each step is noted before it is begun, so that after a
 * power cut the unit goes on where it was.
 *
 * In its folder: new.deb, old.deb, `build` (of the new agent), `seconds` (how long it has), and what it writes: `phase`, `outcome`. The new agent writes
 * `healthy` with its build when it has got on.
 */
export const UPGRADE_SCRIPT = `#!/bin/sh
set -u
cd "$(dirname "$0")" || exit 1
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C
build=$(cat build) seconds=$(cat seconds)

now_at() { printf '%s\\n' "$1" >phase.new && sync phase.new && mv -f phase.new phase; }
# "done", or "back" and why: the one line that the agent reads.
end() {
	printf '%s\\n' "$*" >outcome.new && sync outcome.new && mv -f outcome.new outcome && sync .
	rm -f run.sh
	exit 0
}
because() { printf '%s\\n' "$1" >reason.new && mv -f reason.new reason; now_at back; }

phase=$(cat phase 2>/dev/null || echo new)
if [ "$phase" = new ]; then
	now_at new
	rm -f healthy
	dpkg --configure -a >log 2>&1
	# Its dependencies may be others: apt sees to them. With none missing it asks nobody.
	if apt-get -q -y -o DPkg::Lock::Timeout=60 -o Dpkg::Options::=--force-confold --no-install-recommends --allow-downgrades --reinstall \\
		install ./new.deb >>log 2>&1; then
		# The package's own script has started it.
		now_at check
	else
		because "the package could not be installed: $(tail -n 3 log | tr '\\n' ' ')"
	fi
fi
if [ "$(cat phase)" = check ]; then
	waited=0
	while [ "$waited" -lt "$seconds" ] && [ "$(cat healthy 2>/dev/null)" != "$build" ]; do
		# One that ends again and again will not get on.
		restarts=$(systemctl show --property=NRestarts --value drover-agent.service 2>/dev/null)
		[ "\${restarts:-0}" -lt 5 ] || break
		sleep 1
		waited=$((waited + 1))
	done
	[ "$(cat healthy 2>/dev/null)" = "$build" ] && end done
	because "the new agent did not get on in $waited s: $(journalctl -t drover-agent -n 8 --no-pager -o cat 2>/dev/null | tr '\\n' ' ')"
fi
# What it needs is here: it ran before.
dpkg --force-depends --install old.deb >>log 2>&1 || { dpkg --configure -a && systemctl restart drover-agent.service; } >>log 2>&1
end "back $(head -c 1500 reason)"
`;
