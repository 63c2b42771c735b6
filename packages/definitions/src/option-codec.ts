import type { laminar } from '@laminar/protocol';
import type { Options, OptionValue } from './option-value.js';

type ProtoValue = laminar.v1.OptionValue.$Properties;
type ProtoOptions = { [name: string]: ProtoValue };

export function encodeOptions(options: Options): ProtoOptions {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, encodeValue(value)]));
}

export function decodeOptions(options: ProtoOptions): Options {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, decodeValue(value)]));
}

function encodeValue(value: OptionValue): ProtoValue {
  if (typeof value === 'string') return { text: value };
  if (typeof value === 'number') return { number: value };
  if (typeof value === 'boolean') return { boolean: value };
  if (isList(value)) return { list: { items: value.map(encodeValue) } };
  return { map: { entries: encodeOptions(value) } };
}

function decodeValue(value: ProtoValue): OptionValue {
  if (value.list) return (value.list.items ?? []).map(decodeValue);
  if (value.map) return decodeOptions(value.map.entries ?? {});
  return value.text ?? value.number ?? value.boolean ?? '';
}

const isList = (value: OptionValue): value is readonly OptionValue[] => Array.isArray(value);
