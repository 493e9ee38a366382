import type { AnyReply, Command, Gone, Refusal, Report } from '@drover/shared/protocol/message';

/** The way to the control plane. Commands come verified and parsed: signed for this host, by a pinned key, not expired. */
export interface Link {
  /** Begins to connect, and goes on for ever; `handlers` are called from then on. */
  open(handlers: LinkHandlers): void;
  /** Sends if connected; what is lost is sent again by the reporter, never by the link. */
  send(message: { readonly do: 'report'; readonly report: Report } | { readonly do: 'gone'; readonly gone: Gone }): void;
  close(): Promise<void>;
}

export interface LinkHandlers {
  /** Connected; `session` names this connection. */
  up(session: string): void;
  down(): void;
  /** Why there is no connection at the moment, in words for people. */
  trouble?(why: string): void;
  command(command: Command): void;
  /** A command that was signed for this host, and that this agent does not understand. */
  refused(refusal: Refusal): void;
  reply(reply: AnyReply): void;
}
