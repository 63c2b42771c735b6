import { laminar, subjects } from '@laminar/protocol';
import { eventually, startNats, type TestNats } from '@laminar/test';
import type { NatsConnection, Subscription } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { StatusBoard } from './index.js';

const { InstanceStatus } = laminar.v1;

let server: TestNats;
let sender: NatsConnection;
let listener: NatsConnection;
const boards: StatusBoard[] = [];
const answers: Subscription[] = [];

beforeAll(async () => {
  server = await startNats({ jetstream: false });
  [sender, listener] = await Promise.all([connect({ servers: server.url }), connect({ servers: server.url })]);
});
afterEach(async () => {
  for (const board of boards.splice(0)) board.stop();
  for (const subscription of answers.splice(0)) subscription.unsubscribe();
  await sender.flush();
});
afterAll(async () => {
  await Promise.all([sender.close(), listener.close()]);
  await server.stop();
});

interface StartedBoard {
  readonly board: StatusBoard;
  readonly unreadable: string[];
  changes(): number;
}

async function startBoard(): Promise<StartedBoard> {
  let changes = 0;
  const unreadable: string[] = [];
  const board = new StatusBoard({
    nc: listener,
    onChange: () => void changes++,
    onUnreadable: (subject, reason) => void unreadable.push(`${subject}: ${reason}`),
  });
  boards.push(board);
  await board.start();
  return { board, unreadable, changes: () => changes };
}

type State = 'running' | 'blocked' | 'stopped';

/** An instance as the protocol has it: it counts its messages, tells changes, and everything when it is asked. */
class Instance {
  readonly pipelines = new Map<string, State>();
  sequence = 0;
  appliedRevision = 1;
  constructor(
    readonly name: string,
    readonly session: string,
    /** Parts that a whole status is cut into. */
    readonly parts = 1,
  ) {}

  set(pipeline: string, state: State | undefined): void {
    if (state === undefined) this.pipelines.delete(pipeline);
    else this.pipelines.set(pipeline, state);
  }

  delta(pipeline?: string): Uint8Array {
    const state = pipeline === undefined ? undefined : this.pipelines.get(pipeline);
    const pipelines =
      pipeline === undefined
        ? []
        : [{ name: pipeline, state: state ?? '', appliedRevision: 1, removed: state === undefined }];
    return this.#encode({ pipelines });
  }

  snapshot(): Uint8Array[] {
    const all = [...this.pipelines].map(([name, state]) => ({ name, state, appliedRevision: 1 }));
    return Array.from({ length: this.parts }, (_, part) =>
      this.#encode({
        snapshot: { part, last: part === this.parts - 1 },
        pipelines: all.filter((__, index) => index % this.parts === part),
      }),
    );
  }

  leave(): Uint8Array {
    return this.#encode({ leaving: true });
  }

  send(...messages: Uint8Array[]): void {
    for (const data of messages) sender.publish(subjects.status(this.name), data);
  }

  #encode(properties: laminar.v1.InstanceStatus.$Properties): Uint8Array {
    this.sequence++;
    const { name: instance, session, sequence, appliedRevision } = this;
    return InstanceStatus.encode({ instance, session, sequence, atUnixMs: 1, appliedRevision, ...properties }).finish();
  }
}

/** Lets an instance answer requests for everything; gives how often it was asked. */
async function answering(instance: Instance): Promise<{ asked(): number }> {
  let asked = 0;
  const subscription = sender.subscribe(subjects.statusRequest, {
    callback: () => {
      asked++;
      instance.send(...instance.snapshot());
    },
  });
  await sender.flush();
  answers.push(subscription);
  return { asked: () => asked };
}

const said = (board: StatusBoard, instance: Instance) =>
  [...board.pipelines()]
    .flatMap(({ session, name, state }) => (session === instance.session ? [[name, state]] : []))
    .sort();
const truth = (instance: Instance) => [...instance.pipelines].sort();

async function heard(): Promise<void> {
  await sender.flush();
  await listener.flush();
}

describe('the status board', () => {
  it('asks at its start, takes a whole status in parts, then follows the changes', async () => {
    const instance = new Instance('i', 's1', 3);
    for (const name of ['a', 'b', 'c', 'd']) instance.set(name, 'running');
    const source = await answering(instance);
    const { board, changes } = await startBoard();
    await eventually(() => board.instances().length === 1, { what: 'the instance' });
    expect(said(board, instance)).toEqual(truth(instance));
    expect(changes()).toBe(1);
    instance.set('a', 'blocked');
    instance.send(instance.delta('a'));
    instance.set('b', undefined);
    instance.send(instance.delta('b'), instance.delta());
    await heard();
    expect(said(board, instance)).toEqual(truth(instance));
    expect(board.pipeline('a')).toMatchObject([{ instance: 'i', session: 's1', state: 'blocked' }]);
    // A sign of life changes nothing.
    expect(changes()).toBe(3);
    expect(source.asked()).toBe(1);
  });

  it('does not show a status before its last part', async () => {
    const { board } = await startBoard();
    const instance = new Instance('i', 's1', 2);
    instance.set('a', 'running');
    const [first, last] = instance.snapshot();
    instance.send(first as Uint8Array);
    await heard();
    expect(board.instances()).toEqual([]);
    instance.send(last as Uint8Array);
    await heard();
    expect(said(board, instance)).toEqual(truth(instance));
  });

  it('asks again at a gap, and within an instance that it does not know', async () => {
    const instance = new Instance('i', 's1', 2);
    const source = await answering(instance);
    const { board } = await startBoard();
    await eventually(() => board.instances().length === 1, { what: 'the instance' });
    instance.set('a', 'running');
    // This one is lost.
    instance.delta('a');
    instance.set('b', 'blocked');
    instance.send(instance.delta('b'));
    await heard();
    expect(said(board, instance)).toEqual([]);
    await eventually(() => said(board, instance).length === 2, { what: 'the gap to be mended' });
    expect(said(board, instance)).toEqual(truth(instance));

    const stranger = new Instance('j', 's2');
    const asked = source.asked();
    const other = await answering(stranger);
    stranger.set('x', 'running');
    stranger.send(stranger.delta('x'));
    await eventually(() => said(board, stranger).length === 1, { what: 'the stranger' });
    expect(other.asked()).toBe(1);
    expect(source.asked()).toBe(asked + 1);
  });

  it('folds changes between the parts of a whole status', async () => {
    const { board } = await startBoard();
    for (const known of [false, true]) {
      const instance = new Instance('i', 's1', 2);
      instance.set('a', 'running');
      instance.set('b', 'running');
      if (known) instance.send(...instance.snapshot());
      const all = [...instance.pipelines].map(([name, state]) => ({ name, state }));
      const part = (index: number) =>
        InstanceStatus.encode({
          instance: 'i',
          session: 's1',
          sequence: ++instance.sequence,
          snapshot: { part: index, last: index === 1 },
          pipelines: [all[index] ?? {}],
        }).finish();
      instance.send(part(0));
      instance.set('a', 'blocked');
      instance.send(instance.delta('a'), part(1));
      await heard();
      expect(said(board, instance)).toEqual(truth(instance));
      instance.send(instance.leave());
      await heard();
    }
  });

  it('tells instances apart whose messages arrive between each other', async () => {
    const { board } = await startBoard();
    const [one, two] = [new Instance('one', 's1', 3), new Instance('two', 's2', 3)];
    for (const name of ['a', 'b', 'c']) {
      one.set(name, 'running');
      two.set(name, 'blocked');
    }
    const parts = [one.snapshot(), two.snapshot()];
    for (let i = 0; i < 3; i++)
      for (const [j, instance] of [one, two].entries()) instance.send(parts[j]?.[i] as Uint8Array);
    await heard();
    expect(said(board, one)).toEqual(truth(one));
    expect(said(board, two)).toEqual(truth(two));
    expect(board.pipeline('a').map(({ instance, state }) => [instance, state])).toEqual([
      ['one', 'running'],
      ['two', 'blocked'],
    ]);
  });

  it('takes a new session of an instance in the place of the old one', async () => {
    const { board } = await startBoard();
    const before = new Instance('i', 's1');
    before.set('a', 'running');
    before.send(...before.snapshot());
    const after = new Instance('i', 's2', 2);
    after.set('b', 'running');
    const [first, last] = after.snapshot();
    after.send(first as Uint8Array);
    await heard();
    expect(board.isAlive('s1')).toBe(true);
    after.send(last as Uint8Array);
    await heard();
    expect(board.instances()).toEqual([{ instance: 'i', session: 's2', appliedRevision: 1 }]);
    expect(board.pipeline('a')).toEqual([]);
  });

  it('forgets an instance that leaves, at once, and one that falls silent, in time', async () => {
    const { board, changes } = await startBoard();
    const [leaving, silent, alive] = [new Instance('l', 's1'), new Instance('s', 's2'), new Instance('a', 's3')];
    for (const instance of [leaving, silent, alive]) {
      instance.set('p', 'running');
      instance.send(...instance.snapshot());
    }
    leaving.send(leaving.leave());
    await heard();
    expect(board.instances().map(({ instance }) => instance)).toEqual(['s', 'a']);
    const before = changes();
    const living = setInterval(() => alive.send(alive.delta()), 500);
    await eventually(() => !board.isAlive('s2'), { what: 'the silent one to be gone' });
    clearInterval(living);
    expect(board.isAlive('s3')).toBe(true);
    expect(changes()).toBe(before + 1);
  });

  it('says what it cannot read, and goes on', async () => {
    const { board, unreadable } = await startBoard();
    sender.publish(subjects.status('i'), Uint8Array.of(0xff, 0xff));
    sender.publish(subjects.status('i'), new Uint8Array());
    const liar = new Instance('somebody', 's9');
    sender.publish(subjects.status('else'), liar.snapshot()[0] as Uint8Array);
    const instance = new Instance('i', 's1');
    instance.set('a', 'running');
    instance.send(...instance.snapshot());
    await heard();
    expect(unreadable).toHaveLength(3);
    expect(unreadable[0]).toContain('laminar.status.i: ');
    expect(board.instances().map(({ session }) => session)).toEqual(['s1']);
  });

  it('takes a state of a newer program for one that is not well', async () => {
    const { board } = await startBoard();
    const instance = new Instance('i', 's1');
    instance.pipelines.set('a', 'meditating' as State);
    instance.send(...instance.snapshot());
    await heard();
    expect(board.pipeline('a')).toMatchObject([{ state: 'failed' }]);
  });

  it('ends in the truth after a whole status, whatever was lost before it', async () => {
    const step = fc.record({
      instance: fc.nat(1),
      action: fc.constantFrom('set', 'remove', 'alive', 'everything'),
      pipeline: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      state: fc.constantFrom<State>('running', 'blocked', 'stopped'),
      lost: fc.integer({ min: 0, max: 7 }),
    });
    const { board } = await startBoard();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        run++;
        const instances = [new Instance('one', `1-${run}`, 1), new Instance('two', `2-${run}`, 3)];
        for (const { instance: index, action, pipeline, state, lost } of steps) {
          const instance = instances[index] as Instance;
          if (action === 'set') instance.set(pipeline, state);
          if (action === 'remove') instance.set(pipeline, undefined);
          const messages =
            action === 'everything' ? instance.snapshot() : [instance.delta(action === 'alive' ? undefined : pipeline)];
          // Each bit is one message that never arrives.
          instance.send(...messages.filter((_, i) => ((lost >> i) & 1) === 0));
        }
        for (const instance of instances) instance.send(...instance.snapshot());
        await heard();
        for (const instance of instances) expect(said(board, instance)).toEqual(truth(instance));
        expect(board.instances()).toHaveLength(2);
      }),
      { numRuns: 150 },
    );
  });
});
