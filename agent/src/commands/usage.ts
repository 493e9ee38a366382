export const USAGE = `drover-agent: runs guests on this host as the control plane wishes

  drover-agent enrol --url URL --token TOKEN --data FOLDER [--instance NAME] [--mirror URL] [--new-key]
      joins this host to a control plane; writes FOLDER/agent.json; --new-key: as a new host, because the old one was forgotten
  drover-agent run [--config FOLDER/agent.json] [--url URL]
      runs until it is told to end; guests go on
  drover-agent fingerprint --data FOLDER
      shows the fingerprints of this host's key and of its control plane's, to compare with what the control plane shows
  drover-agent rotate-key --data FOLDER
      gives this host a new key; the agent may go on running

Without --config it is /var/lib/drover/agent/agent.json.

Examples
  drover-agent enrol --url https://drover.example.org --token 4k2… --data /var/lib/drover/agent
  drover-agent run --config /var/lib/drover/agent/agent.json`;
