/** Where uploaded image files wait until their host has fetched them. */
export interface Uploads {
  /** Streams `body` to durable storage. When it rejects, nothing of it is left. */
  receive(uploadId: string, body: ReadableStream<Uint8Array>, limits: UploadLimits): Promise<ReceivedUpload>;
  /** The bytes from `start` up to and including `end`, all without `range`; null when there is no such upload. */
  open(uploadId: string, range?: ByteRange): Promise<OpenedUpload | null>;
  /** Nothing happens when there is none. */
  remove(uploadId: string): Promise<void>;
  /** All that are there, half-made ones of an earlier process too. */
  list(): Promise<string[]>;
}

export interface UploadLimits {
  readonly sizeBytesMax: number;
  /** What the sender announced: fewer or more bytes are refused. */
  readonly sizeBytes: number | null;
  readonly signal: AbortSignal;
}

export interface ReceivedUpload {
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface OpenedUpload extends ByteRange {
  readonly body: ReadableStream<Uint8Array>;
}
