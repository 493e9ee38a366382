export const USAGE = `drover-agent: runs guests on this host as the control plane wishes

  DROVER_TOKEN=TOKEN drover-agent enrol --url URL --data FOLDER [--instance NAME] [--mirror URL] [--new-key]
      joins this host to a control plane; writes FOLDER/agent.json; the one-time token may also come by --token, which everybody on this machine sees; --new-key: as a new host, because the old one was forgotten
  drover-agent run [--config FOLDER/agent.json] [--url URL]
      runs until it is told to end; guests go on
  drover-agent fingerprint --data FOLDER
      shows the fingerprints of this host's key and of its control plane's, to compare with what the control plane shows
  drover-agent rotate-key --data FOLDER
      gives this host a new key; the agent may go on running

On the host itself, also while the control plane is away (as root):
  drover-agent status [--json]
      how this host is: its link, its guests, what needs attention
  drover-agent doctor [--json]
      looks for what is wrong, also when the agent does not run; ends with 1 when something is
  drover-agent guests [list] [--json]
      what there is
  drover-agent guests start|shutdown|stop GUEST
      by name or id; holds until somebody asks the control plane for another power state
  drover-agent guests console GUEST
      its console; Ctrl-] q leaves it
  drover-agent pause [--reason TEXT]
      nothing is done to guests, storages and networks any more, also after a restart; reports go on
  drover-agent resume
      ends that
  drover-agent host-down
      for drover-guests.service: shuts guests down in order, if the host is going down; else nothing

Without --config it is /var/lib/drover/agent/agent.json.

Examples
  DROVER_TOKEN=4k2… drover-agent enrol --url https://drover.example.org --data /var/lib/drover/agent
  drover-agent run --config /var/lib/drover/agent/agent.json
  drover-agent status
  drover-agent guests stop web
  drover-agent guests console 107
  drover-agent pause --reason 'a disk is being replaced'`;
