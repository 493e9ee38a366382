/** What dpkg runs around the package's files. Written for /bin/sh; without systemd each leaves the agent to whoever starts it. */

export const POSTINST = `#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# It starts once the host is enrolled. One that ran already goes on with the new version; its guests notice nothing.
	systemctl enable --quiet drover-agent.service drover-agent-upgrade.service drover-guests.service
	# It has to be there when the host goes down. It is never stopped by an upgrade, and restarting it would be for nothing.
	systemctl start --no-block drover-guests.service
	if [ -e /var/lib/drover/agent/agent.json ]; then systemctl restart drover-agent.service; fi
fi
`;

export const PRERM = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	systemctl disable --quiet --now drover-agent.service
	systemctl disable --quiet drover-agent-upgrade.service
	# Guests are left alone by this, as the host is not going down.
	systemctl disable --quiet --now drover-guests.service
	echo "drover-agent: guests go on, and are not looked after any more."
fi
`;

export const POSTRM = `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$1" = purge ]; then
	if [ "\${DROVER_PURGE_GUESTS:-}" = yes ]; then
		# As it was told in so many words. Guests are ended first, then what they stood on. A file system that somebody has mounted there is left alone.
		if [ -d /run/systemd/system ]; then systemctl stop drover.slice || :; fi
		sed -n '/ - overlay /s/^[^ ]* [^ ]* [^ ]* [^ ]* \\(\\/\\(var\\/lib\\/drover\\/agent\\|run\\/drover\\)\\/[^ ]*\\) .*/\\1/p' /proc/self/mountinfo | sort -r |
			while read -r mount; do umount "$mount" || :; done
		nft list tables 2>/dev/null | sed -n 's/^table \\(inet drover_drover[0-9]*\\)$/\\1/p' | while read -r table; do nft delete table $table || :; done
		for bridge in /sys/class/net/drover[0-9]*; do
			if [ -d "$bridge/bridge" ]; then ip link delete "\${bridge##*/}" || :; fi
		done
		rm -rf --one-file-system /var/lib/drover/agent /run/drover
		echo "drover-agent: guests, their disks and images are gone from this machine, but for storages outside of /var/lib/drover/agent."
	else
		# The key, the journal, the configuration, what was chosen on the host: without them this is no host any more. Disks and images of guests stay.
		rm -rf /var/lib/drover/agent/journal /var/lib/drover/agent/identity.json* /var/lib/drover/agent/agent.json /var/lib/drover/agent/host-key*.json* \\
			/var/lib/drover/agent/choices.json* /var/lib/drover/agent/upgrade
		if [ -d /var/lib/drover/agent ]; then
			echo "drover-agent: disks and images of guests are left in /var/lib/drover/agent. To be rid of them, too: DROVER_PURGE_GUESTS=yes apt purge drover-agent, before it is purged, or by hand."
		fi
	fi
fi
`;
