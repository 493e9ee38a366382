import { realRandom } from '@drover/shared/lib/random';
import { newId } from '@drover/shared/model/id';
import { RelayControl } from '@drover/shared/protocol/relay';
import { beforeEach, describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../../test/control-plane/manual-clock.ts';
import { CLOSE, createRelay, FRAME_BYTES_MAX, PAIRING_MS, type Relay, type RelayFrame, type RelaySocket } from './relay.ts';

/** One side's WebSocket, whose network takes bytes when the test says so. */
class FakeSocket implements RelaySocket {
  readonly got: RelayFrame[] = [];
  readonly waiting: { readonly bytes: number; readonly sent: () => void }[] = [];
  closedWith: { code: number; reason: string } | null = null;
  isPaused = false;
  isSlow = false;
  #receive: (frame: RelayFrame) => void = () => {};
  #closed: () => void = () => {};

  send(frame: RelayFrame, sent: () => void): void {
    if (!this.closedWith) this.got.push(frame);
    if (this.isSlow && !this.closedWith) this.waiting.push({ bytes: frame.length, sent });
    else sent();
  }
  bufferedBytes(): number {
    return this.waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  close(code: number, reason: string): void {
    if (this.closedWith) return;
    this.closedWith = { code, reason };
    this.#closed();
  }
  onFrame(receive: (frame: RelayFrame) => void): void {
    this.#receive = receive;
  }
  onClose(closed: () => void): void {
    this.#closed = closed;
  }
  /** The other end of this socket says something. */
  say(frame: RelayFrame): void {
    this.#receive(frame);
  }
  hangUp(): void {
    this.close(1006, 'gone');
  }
  drainOne(): void {
    this.waiting.shift()?.sent();
  }
  lastControl() {
    return RelayControl.parse(JSON.parse(String(this.got.at(-1))));
  }
}

let clock: ManualClock;
let relay: Relay;
beforeEach(() => {
  clock = createManualClock();
  relay = createRelay(clock, realRandom);
});

function paired() {
  const { ticket } = relay.issue();
  const [person, host] = [new FakeSocket(), new FakeSocket()];
  relay.join(ticket, 'person', person);
  relay.join(ticket, 'host', host);
  return { ticket, person, host };
}

describe('a relay', () => {
  it('carries text and bytes both ways, in order, unchanged', () => {
    const { person, host } = paired();
    const bytes = new Uint8Array([0, 255, 1]);
    person.say(bytes);
    person.say('{"do":"stdin-end"}');
    host.say(new Uint8Array([1, 104]));
    host.say('{"do":"exit","code":0}');
    expect(host.got).toEqual([bytes, '{"do":"stdin-end"}']);
    expect(person.got).toEqual([new Uint8Array([1, 104]), '{"do":"exit","code":0}']);
  });

  it('holds whoever comes first until the other is there, and loses nothing they said', () => {
    const { ticket } = relay.issue();
    const [person, host] = [new FakeSocket(), new FakeSocket()];
    relay.join(ticket, 'person', person);
    expect(person.isPaused).toBe(true);
    person.say('early');
    relay.join(ticket, 'host', host);
    expect([person.isPaused, host.got]).toEqual([false, ['early']]);
  });

  it('ends one side when the other ends', () => {
    const first = paired();
    first.host.hangUp();
    expect(first.person.closedWith?.code).toBe(CLOSE.normal);
    const second = paired();
    second.person.hangUp();
    expect(second.host.closedWith?.code).toBe(CLOSE.normal);
  });

  it('stops reading a side that the other cannot keep up with, and goes on when it can', () => {
    const { person, host } = paired();
    person.isSlow = true;
    const frame = new Uint8Array(100 * 1024);
    host.say(frame);
    host.say(frame);
    expect(host.isPaused).toBe(false);
    host.say(frame);
    expect(host.isPaused).toBe(true);
    person.drainOne();
    person.drainOne();
    expect(host.isPaused).toBe(true);
    person.drainOne();
    expect(host.isPaused).toBe(false);
    expect(person.got.length).toBe(3);
  });

  it('refuses a frame that is too big by ending both sides', () => {
    const { person, host } = paired();
    person.say(new Uint8Array(FRAME_BYTES_MAX + 1));
    expect([person.closedWith?.code, host.closedWith?.code, host.got]).toEqual([CLOSE.tooBig, CLOSE.tooBig, []]);
  });

  it('refuses who floods it before the other side came', () => {
    const { ticket } = relay.issue();
    const person = new FakeSocket();
    relay.join(ticket, 'person', person);
    person.say(new Uint8Array(FRAME_BYTES_MAX));
    person.say('x');
    expect(person.closedWith?.code).toBe(CLOSE.tooBig);
  });

  it('tells the person plainly when the host never came', () => {
    const { ticket, expiresAtMs } = relay.issue();
    expect(expiresAtMs).toBe(clock.now() + PAIRING_MS);
    const person = new FakeSocket();
    relay.join(ticket, 'person', person);
    clock.advance(PAIRING_MS - 1);
    expect(person.closedWith).toBeNull();
    clock.advance(1);
    expect(person.lastControl()).toEqual({ do: 'failed', detail: 'the host did not answer within 30 s' });
    expect(person.closedWith?.code).toBe(CLOSE.hostNeverCame);
  });

  it('ends the host’s side when nobody came for it', () => {
    const { ticket } = relay.issue();
    const host = new FakeSocket();
    relay.join(ticket, 'host', host);
    clock.advance(PAIRING_MS);
    expect(host.closedWith?.code).toBe(CLOSE.unknownTicket);
  });

  it('takes a ticket once, from each side, and only while it is good', () => {
    const { ticket } = paired();
    const expired = relay.issue().ticket;
    clock.advance(PAIRING_MS);
    for (const bad of [ticket, expired, 'a'.repeat(40)]) {
      const [person, host] = [new FakeSocket(), new FakeSocket()];
      relay.join(bad, 'person', person);
      relay.join(bad, 'host', host);
      expect(person.lastControl()).toMatchObject({ do: 'failed' });
      expect([person.closedWith?.code, host.closedWith?.code]).toEqual([CLOSE.unknownTicket, CLOSE.unknownTicket]);
    }
    const waiting = relay.issue().ticket;
    const [first, second] = [new FakeSocket(), new FakeSocket()];
    relay.join(waiting, 'person', first);
    relay.join(waiting, 'person', second);
    expect([first.closedWith, second.closedWith?.code]).toEqual([null, CLOSE.unknownTicket]);
  });

  it('a person who leaves before the host came leaves nothing for the host to talk to', () => {
    const { ticket } = relay.issue();
    const [person, host] = [new FakeSocket(), new FakeSocket()];
    relay.join(ticket, 'person', person);
    person.hangUp();
    relay.join(ticket, 'host', host);
    expect(host.closedWith?.code).toBe(CLOSE.unknownTicket);
  });

  it('a failure of the task reaches the person at once, before or after they came', () => {
    const [taskId, tokenId] = [newId('task', realRandom), newId('token', realRandom)];
    const early = relay.issue().ticket;
    relay.bind(early, taskId, tokenId);
    expect([...relay.awaited()]).toEqual([taskId]);
    const person = new FakeSocket();
    relay.join(early, 'person', person);
    relay.fail(taskId, 'the guest does not run');
    expect(person.lastControl()).toEqual({ do: 'failed', detail: 'the guest does not run' });
    const late = relay.issue().ticket;
    relay.bind(late, taskId, tokenId);
    relay.fail(taskId, 'the guest does not run');
    const lateComer = new FakeSocket();
    relay.join(late, 'person', lateComer);
    expect(lateComer.lastControl()).toEqual({ do: 'failed', detail: 'the guest does not run' });
    expect(relay.awaited().size).toBe(0);
  });

  it('a task that goes on is not failed by one that ends', () => {
    const { person, host } = paired();
    relay.fail(newId('task', realRandom), 'another');
    expect([person.closedWith, host.closedWith]).toEqual([null, null]);
  });

  it('hands out a bounded number of tickets', () => {
    for (let count = 0; count < 1_000; count += 1) relay.issue();
    expect(() => relay.issue()).toThrow(/too many/);
    clock.advance(PAIRING_MS);
    expect(relay.issue().ticket).toMatch(/^[a-z0-9]{40}$/);
  });

  it('ends everything when the control plane stops', () => {
    const { person, host } = paired();
    const { ticket } = relay.issue();
    const waiting = new FakeSocket();
    relay.join(ticket, 'person', waiting);
    relay.close();
    expect([person, host, waiting].map(({ closedWith }) => closedWith?.code)).toEqual([1001, 1001, 1001]);
  });
});
