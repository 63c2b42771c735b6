import { RowError } from '../errors.js';
import { checkBytes } from './size.js';

/** The functions over BYTEA (https://www.postgresql.org/docs/18/functions-binarystring.html). */

export function substring(value: Uint8Array, start: number, length?: number): Uint8Array {
  if (length !== undefined && length < 0)
    throw new RowError('invalid_argument', 'the length of a substring must not be negative');
  const end = length === undefined ? value.length : Math.max(0, start - 1 + length);
  return value.subarray(Math.max(0, start - 1), end);
}

/** One behind the other. */
export function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  checkBytes(a.length + b.length);
  return Buffer.concat([a, b]);
}

/** From 1; 0 where it is not found. */
export const position = (value: Uint8Array, part: Uint8Array): number => Buffer.from(value).indexOf(part) + 1;

export function checkFormat(format: string): void {
  if (!['hex', 'base64', 'escape'].includes(format.toLowerCase()))
    throw new RowError('invalid_argument', "bytes are written in 'hex', 'base64' or 'escape'");
}

/** Lines of base64 as MIME has them. */
const base64Line = /.{76}(?=.)/g;

export function encode(value: Uint8Array, format: string): string {
  checkFormat(format);
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (format.toLowerCase() === 'hex') return buffer.toString('hex');
  if (format.toLowerCase() === 'base64') return buffer.toString('base64').replace(base64Line, '$&\n');
  return Array.from(value, escapedByte).join('');
}

const backslash = 0x5c;
const asciiEnd = 0x80;

function escapedByte(byte: number): string {
  if (byte === backslash) return '\\\\';
  return byte === 0 || byte >= asciiEnd ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte);
}

export function decode(text: string, format: string): Uint8Array {
  checkFormat(format);
  const invalid = () => new RowError('invalid_value', `a text of ${text.length} characters is no ${format}`);
  if (format.toLowerCase() === 'hex') {
    const digits = text.replace(/[ \t\n\r]/g, '');
    if (!/^(?:[\da-f]{2})*$/i.test(digits)) throw invalid();
    return Buffer.from(digits, 'hex');
  }
  if (format.toLowerCase() === 'base64') {
    const digits = text.replace(/[ \t\n\r]/g, '');
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(digits)) throw invalid();
    return Buffer.from(digits, 'base64');
  }
  if (!/^(?:[^\\]|\\\\|\\[0-3][0-7]{2})*$/.test(text)) throw invalid();
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return Buffer.from(
    bytes.replace(/\\(\\|[0-7]{3})/g, (_, what: string) =>
      what === '\\' ? '\\' : String.fromCharCode(Number.parseInt(what, 8)),
    ),
    'latin1',
  );
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function textOfUtf8(value: Uint8Array, _encoding: 'utf8'): string {
  if (value.includes(0)) throw new RowError('invalid_value', 'a text cannot hold the character 0');
  try {
    return strictUtf8.decode(value);
  } catch {
    throw new RowError('invalid_value', 'the bytes are not valid UTF-8');
  }
}
