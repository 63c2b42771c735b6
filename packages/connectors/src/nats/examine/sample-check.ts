import { type Codec, stringifyJson } from '@laminar/codecs';
import {
  type ConsumerSource,
  isPositioned,
  isSink,
  type PositionedSource,
  type ResolvedConnection,
} from '@laminar/definitions';
import type { NatsConnection } from '@nats-io/nats-core';
import { apiCodes, connectorError, hasCode } from '../errors.js';
import { managerOf } from '../jetstream-manager.js';
import { filtersIn } from '../positioned/mirror-origin.js';
import { viewOf } from '../positioned/stream-view.js';
import { type Finding, failed, ok, reasonOf, skipped } from './check.js';

const shownCharactersMax = 200;
const shownBytesMax = 64;

interface Sample {
  readonly data: Uint8Array;
  /** Where it stood. */
  readonly where: string;
}

export interface SampleOptions {
  /** Throws the `ConnectorError` that would keep a reader from beginning, message or not. */
  codec(): Promise<Codec>;
  /** What is waited for a message where the server keeps none. */
  readonly timeoutMs: number;
}

/** Decodes one message: the last that a stream has, or the next that comes. No consumer is asked, and nobody misses it. */
export async function checkSample(
  nc: NatsConnection,
  connection: ResolvedConnection,
  { codec, timeoutMs }: SampleOptions,
): Promise<Finding> {
  if (isSink(connection)) return skipped('a sink reads no messages');
  if (connection.role === 'source-object') return skipped('objects are not decoded');
  const decoder = await codec();
  const sample =
    connection.role === 'source-core'
      ? await nextMessage(nc, connection.subject, timeoutMs)
      : await lastMessage(nc, connection);
  if (typeof sample === 'string') return skipped(sample);
  const { data, where } = sample;
  const what = `${where}, ${data.length} bytes`;
  try {
    return ok(`${what}, reads as ${connection.format.name}: ${shown(decoder.decode(data))}`);
  } catch (error) {
    return failed(`${what}, cannot be read as ${connection.format.name}: ${reasonOf(error)}; is format what is sent?`);
  }
}

/** The next message, or that none came. The subscription is in no queue group. */
async function nextMessage(nc: NatsConnection, subject: string, timeoutMs: number): Promise<Sample | string> {
  const subscription = nc.subscribe(subject, { max: 1 });
  const timer = setTimeout(() => subscription.unsubscribe(), timeoutMs);
  try {
    for await (const { data, subject: at } of subscription) return { data, where: `the next message, on ${at}` };
    return `none came on ${subject} within ${timeoutMs} ms, so that none could be decoded`;
  } finally {
    clearTimeout(timer);
    subscription.unsubscribe();
  }
}

async function lastMessage(nc: NatsConnection, source: ConsumerSource | PositionedSource): Promise<Sample | string> {
  const stream = isPositioned(source) ? viewOf(source).stream : source.streamName;
  try {
    const jsm = await managerOf(nc);
    const { config } = await jsm.streams.info(stream);
    const filters = isPositioned(source) ? await filtersIn(jsm, config, viewOf(source)) : source.filterSubjects;
    const [subject = '>'] = filters;
    const message = await jsm.streams.getMessage(stream, { last_by_subj: subject });
    if (!message) return `the stream "${stream}" holds no message on ${subject}`;
    return { data: message.data, where: `the last message, sequence ${message.seq} on ${message.subject}` };
  } catch (error) {
    if (hasCode(error, apiCodes.streamNotFound)) return `there is no stream "${stream}" to read from`;
    throw connectorError(`reading the last message of the stream "${stream}"`, error);
  }
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) {
    const hex = Buffer.from(value.subarray(0, shownBytesMax)).toString('hex');
    return value.length > shownBytesMax ? `0x${hex}...` : `0x${hex}`;
  }
  const characters = [...stringifyJson(value)];
  return characters.length > shownCharactersMax
    ? `${characters.slice(0, shownCharactersMax).join('')}...`
    : characters.join('');
}
