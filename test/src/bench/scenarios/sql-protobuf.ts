import { protobufCodec } from '@laminar/codecs';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';
import type { Figure, MeasureOptions } from '../scenario.js';
import { averageBytes, laidOut, orders } from './sql-messages.js';
import { compare, ourSide } from './sql-sides.js';

/** What protobufjs decodes, as code written by hand takes it. */
interface Order extends protobuf.Message {
  readonly id: string;
  readonly customer: unknown;
  readonly percent: number;
  readonly amount: number;
  readonly currency: string;
}

interface Job {
  readonly name: string;
  readonly query: string;
  readonly byHand: (order: Order, data: Uint8Array) => Uint8Array | undefined;
  /** What ours may take, where code by hand takes 1. */
  readonly target: number;
}

const jobs: readonly Job[] = [
  {
    name: 'a filter drops 90 %',
    query: 'SELECT * FROM orders WHERE percent >= 90',
    byHand: ({ percent }, data) => (percent >= 90 ? data : undefined),
    target: 0.5,
  },
  {
    name: 'SELECT *, a filter drops 50 %',
    query: 'SELECT * FROM orders WHERE percent >= 50',
    byHand: ({ percent }, data) => (percent >= 50 ? data : undefined),
    target: 0.8,
  },
  {
    name: 'five fields of all',
    query: 'SELECT id, customer, percent, amount, currency FROM orders',
    byHand: ({ id, customer, percent, amount, currency }) =>
      Buffer.from(JSON.stringify({ id, customer, percent, amount, currency })),
    target: 1,
  },
];

/** The same orders as messages of protobuf, beside what protobufjs decodes of them and code that takes it. */
export async function protobufFigures(
  size: 'small' | 'large',
  messages: number,
  options: MeasureOptions,
): Promise<Figure[]> {
  const { type, descriptor } = compileSchema(schemas[size]);
  const codec = protobufCodec(descriptor, type.fullName);
  const data = laidOut(orders(messages, size).map((order) => type.encode(type.fromObject(order)).finish()));
  const figures: Figure[] = [];
  for (const { name, query, byHand, target } of jobs) {
    const ours = ourSide([query], data, 'protobuf', codec);
    const theirs = (): number => {
      let written = 0;
      for (const payload of data) written += byHand(type.decode(payload) as Order, payload)?.length ?? 0;
      return written;
    };
    if (ours() !== theirs()) throw new Error(`protobuf, ${name}: the rows differ`);
    const title = `protobuf, ${averageBytes(data)} bytes: ${name}`;
    figures.push(await compare(title, ours, { name: 'by hand', run: theirs }, target, messages, options));
  }
  return figures;
}

const schemas = {
  small: `
    message Item { string sku = 1; int32 n = 2; }
    message Order {
      string id = 1; string customer = 2; int32 percent = 3; double amount = 4; string currency = 5; repeated Item items = 6; string note = 7;
    }`,
  large: `
    message Address { string street = 1; string city = 2; string zip = 3; }
    message Customer { string name = 1; Address address = 2; }
    message Item { string sku = 1; int32 n = 2; double price = 3; repeated string tags = 4; }
    message Order {
      string id = 1; Customer customer = 2; repeated Item items = 3; int32 percent = 4; double amount = 5; string currency = 6; string note = 7;
    }`,
};

/** The type of orders, and the descriptor set that `protoc --include_imports` would write for it. */
function compileSchema(source: string) {
  const root = new protobuf.Root();
  protobuf.parse(`syntax = "proto3"; package com.example; ${source}`, root, { keepCase: true });
  root.resolveAll();
  const set = root.toDescriptor('proto3');
  return {
    type: root.lookupType('com.example.Order'),
    descriptor: (set.$type as protobuf.Type).encode(set).finish(),
  };
}
