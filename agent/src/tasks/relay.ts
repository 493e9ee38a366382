/** The host's end of a relay: one WebSocket that the agent dials, with the ticket that came in the signed command. */
export interface RelaySocket {
  sendBytes(bytes: Uint8Array): void;
  sendText(text: string): void;
  /** Bytes that were sent and have not left yet. */
  readonly bufferedBytes: number;
  onBytes(receive: (bytes: Uint8Array) => void): void;
  onText(receive: (text: string) => void): void;
  onClose(closed: () => void): void;
  close(): void;
}

export type RelayDialer = (ticket: string, signal: AbortSignal) => Promise<RelaySocket>;
