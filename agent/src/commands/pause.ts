import { ask } from '../local/client.ts';
import { CONFIG_PATH, type Command, parseWords, readConfig, say } from './words.ts';

/** The agent leaves guests, storages and networks alone; it goes on to report. */
export const pauseCommand: Command = async (words) => {
  const { values } = parseWords(words, { config: { type: 'string' }, reason: { type: 'string' } });
  const { runPath } = readConfig(values.config ?? CONFIG_PATH);
  await ask(runPath, { do: 'pause', reason: values.reason ?? '' });
  say(
    'Paused: nothing is done to guests, storages and networks until "drover-agent resume", also after a restart. What you ask for here is still done.',
  );
};

export const resumeCommand: Command = async (words) => {
  const { values } = parseWords(words, { config: { type: 'string' } });
  const { runPath } = readConfig(values.config ?? CONFIG_PATH);
  await ask(runPath, { do: 'resume' });
  say('The agent goes on.');
};
