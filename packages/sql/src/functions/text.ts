import { RowError } from '../errors.js';
import * as bytes from '../values/bytes.js';
import type { Integer } from '../values/integer.js';
import { md5 } from '../values/md5.js';
import * as text from '../values/text.js';
import { define, type FunctionSection, takes } from './definition.js';

const onText = (evaluate: (value: string) => unknown) => takes(['TEXT'], 'TEXT', evaluate);
const count = (evaluate: (value: string) => number) => takes(['TEXT'], 'INTEGER', evaluate);
const withLength = (evaluate: (value: string, length: number, fill?: string) => string) =>
  takes(['TEXT', 'INTEGER', 'TEXT'], 'TEXT', evaluate, { optional: 1 });
const trimming = (evaluate: (value: string, characters?: string) => string) =>
  takes(['TEXT', 'TEXT'], 'TEXT', evaluate, { optional: 1 });
const characters = [count(text.characterCount), takes(['BYTEA'], 'INTEGER', (value: Uint8Array) => value.length)];

function toBase(value: Integer, width: 32 | 64): string {
  return BigInt.asUintN(width, BigInt(value)).toString(16);
}

export const textFunctions: FunctionSection = {
  title: 'Text',
  functions: [
    define(
      'lower',
      'The text in lower case, character by character.',
      ["lower('Größe')", '"größe"'],
      [onText(text.lower)],
    ),
    define(
      'upper',
      'The text in upper case, character by character: ß stays.',
      ["upper('Größe')", '"GRÖßE"'],
      [onText(text.upper)],
    ),
    define(
      'initcap',
      'Each word with a capital letter.',
      ["initcap('hi THOMAS')", '"Hi Thomas"'],
      [onText(text.initcap)],
    ),
    define('length', 'How many characters, or bytes of a BYTEA.', ["length('jose')", '4'], characters),
    define('char_length', 'How many characters.', ["char_length('josé')", '4'], [count(text.characterCount)]),
    define('character_length', 'How many characters.', ["character_length('josé')", '4'], [count(text.characterCount)]),
    define(
      'octet_length',
      'How many bytes, of a text in UTF-8.',
      ["octet_length('josé')", '5'],
      [count((value) => Buffer.byteLength(value)), takes(['BYTEA'], 'INTEGER', (value: Uint8Array) => value.length)],
    ),
    define(
      'bit_length',
      'How many bits, of a text in UTF-8.',
      ["bit_length('josé')", '40'],
      [
        count((value) => Buffer.byteLength(value) * 8),
        takes(['BYTEA'], 'INTEGER', (value: Uint8Array) => value.length * 8),
      ],
    ),
    define(
      'substr',
      'The characters from a place on, which counts from 1; as many as the third argument says.',
      ["substr('alphabet', 3, 2)", '"ph"'],
      [
        takes(['TEXT', 'INTEGER', 'INTEGER'], 'TEXT', text.substring, { optional: 1 }),
        takes(['BYTEA', 'INTEGER', 'INTEGER'], 'BYTEA', bytes.substring, { optional: 1 }),
      ],
    ),
    define(
      'overlay',
      'The text with another in the place of its characters from a place on; of as many as it has itself, or as the fourth argument says. `overlay(a PLACING b FROM n FOR m)` is the same.',
      ["overlay('Txxxxas' PLACING 'hom' FROM 2 FOR 4)", '"Thomas"'],
      [takes(['TEXT', 'TEXT', 'INTEGER', 'INTEGER'], 'TEXT', text.overlay, { optional: 1 })],
    ),
    define(
      'left',
      'The first characters; all but the last -n where n is negative.',
      ["left('abcde', 2)", '"ab"'],
      [takes(['TEXT', 'INTEGER'], 'TEXT', text.left)],
    ),
    define(
      'right',
      'The last characters; all but the first -n where n is negative.',
      ["right('abcde', 2)", '"de"'],
      [takes(['TEXT', 'INTEGER'], 'TEXT', text.right)],
    ),
    define(
      'btrim',
      'Without the given characters, spaces by default, at both ends. `trim(both ... from ...)` is the same.',
      ["btrim('xyxtrimyyx', 'xyz')", '"trim"'],
      [trimming(text.trimBoth)],
    ),
    define(
      'ltrim',
      'Without the given characters, spaces by default, at the beginning.',
      ["ltrim('zzzytest', 'xyz')", '"test"'],
      [trimming(text.trimStart)],
    ),
    define(
      'rtrim',
      'Without the given characters, spaces by default, at the end.',
      ["rtrim('testxxzx', 'xyz')", '"test"'],
      [trimming(text.trimEnd)],
    ),
    define(
      'lpad',
      'Filled up to a length at the beginning, or cut to it.',
      ["lpad('hi', 5, 'xy')", '"xyxhi"'],
      [withLength(text.padStart)],
    ),
    define(
      'rpad',
      'Filled up to a length at the end, or cut to it.',
      ["rpad('hi', 5, 'xy')", '"hixyx"'],
      [withLength(text.padEnd)],
    ),
    define(
      'replace',
      'Every occurrence of the second argument replaced by the third.',
      ["replace('abcabc', 'cd', 'x')", '"abcabc"'],
      [takes(['TEXT', 'TEXT', 'TEXT'], 'TEXT', text.replace)],
    ),
    define(
      'translate',
      'Each character of the second argument replaced by the one at its place in the third.',
      ["translate('12345', '143', 'ax')", '"a2x5"'],
      [takes(['TEXT', 'TEXT', 'TEXT'], 'TEXT', text.translate)],
    ),
    define(
      'position',
      "Where a part begins, from 1; 0 where it is not found. Written `position('om' in 'Thomas')`.",
      ["position('om' in 'Thomas')", '3'],
      [takes(['TEXT', 'TEXT'], 'INTEGER', text.position), takes(['BYTEA', 'BYTEA'], 'INTEGER', bytes.position)],
    ),
    define(
      'strpos',
      'Where a part begins, from 1; 0 where it is not found.',
      ["strpos('high', 'ig')", '2'],
      [takes(['TEXT', 'TEXT'], 'INTEGER', text.position)],
    ),
    define(
      'starts_with',
      'Whether the text begins with another.',
      ["starts_with('alphabet', 'alph')", 'true'],
      [takes(['TEXT', 'TEXT'], 'BOOLEAN', (value: string, prefix: string) => value.startsWith(prefix))],
    ),
    define(
      'split_part',
      'A part of a text that a delimiter divides, from 1, or from the end where negative.',
      ["split_part('a,b,c', ',', -1)", '"c"'],
      [takes(['TEXT', 'TEXT', 'INTEGER'], 'TEXT', text.splitPart)],
    ),
    define(
      'repeat',
      'The text so many times.',
      ["repeat('Pg', 4)", '"PgPgPgPg"'],
      [takes(['TEXT', 'INTEGER'], 'TEXT', text.repeat)],
    ),
    define('reverse', 'The characters in reverse order.', ["reverse('abcde')", '"edcba"'], [onText(text.reverse)]),
    define(
      'concat',
      'The texts of all arguments, NULLs left out.',
      ["concat('a', NULL, 2, true)", '"a2t"'],
      [takes(['ANY_OUTPUT'], 'TEXT', text.concat, { variadic: true, strict: false })],
    ),
    define(
      'concat_ws',
      'The texts of all arguments but the first, which stands between them; NULLs left out.',
      ["concat_ws(',', 'a', NULL, 'b')", '"a,b"'],
      [takes(['TEXT', 'ANY_OUTPUT'], 'TEXT', text.concatWith, { variadic: true, strict: false })],
    ),
    define(
      'format',
      '`%s` is replaced by the text of the next argument, `%L` by a quoted literal, `%1$s` by the text of the first, `%%` by a percent sign.',
      ["format('Hello %s, %1$s', 'World')", '"Hello World, World"'],
      [takes(['TEXT', 'ANY_OUTPUT'], 'TEXT', text.format, { variadic: true, strict: false, optional: 1 })],
      { check: (template) => void (template !== undefined && text.checkFormat(template as string)) },
    ),
    define(
      'quote_literal',
      'The text as a literal of SQL.',
      ["quote_literal('O''Reilly')", `"'O''Reilly'"`],
      [takes(['ANY_TEXT'], 'TEXT', text.quoteLiteral)],
    ),
    define(
      'ascii',
      'The code of the first character; 0 of an empty text.',
      ["ascii('x')", '120'],
      [count((value) => value.codePointAt(0) ?? 0)],
    ),
    define('chr', 'The character of a code.', ['chr(65)', '"A"'], [takes(['INTEGER'], 'TEXT', text.character)]),
    define(
      'to_hex',
      'A whole number in hexadecimal, negative ones by their two’s complement.',
      ['to_hex(255)', '"ff"'],
      [
        takes(['INTEGER'], 'TEXT', (value: number) => toBase(value, 32)),
        takes(['BIGINT'], 'TEXT', (value: Integer) => toBase(value, 64)),
      ],
    ),
    define(
      'md5',
      'The MD5 hash in hexadecimal, of a text in UTF-8.',
      ["md5('abc')", '"900150983cd24fb0d6963f7d28e17f72"'],
      [takes(['TEXT'], 'TEXT', (value: string) => md5(Buffer.from(value, 'utf8'))), takes(['BYTEA'], 'TEXT', md5)],
    ),
    define(
      'encode',
      "Bytes as a text: 'hex', 'base64' or 'escape'.",
      ["encode('\\x00ff'::bytea, 'hex')", '"00ff"'],
      [takes(['BYTEA', 'TEXT'], 'TEXT', bytes.encode)],
      {
        check: (_, format) => format !== undefined && bytes.checkFormat(format as string),
      },
    ),
    define(
      'decode',
      "The bytes that a text writes: 'hex', 'base64' or 'escape'.",
      ["decode('00ff', 'hex')", '"AP8="'],
      [takes(['TEXT', 'TEXT'], 'BYTEA', bytes.decode)],
      {
        check: (_, format) => format !== undefined && bytes.checkFormat(format as string),
      },
    ),
    define(
      'convert_to',
      "The text as bytes in 'UTF8'.",
      ["convert_to('é', 'UTF8')", '"w6k="'],
      [takes(['TEXT', 'TEXT'], 'BYTEA', (value: string, encoding: string) => Buffer.from(value, utf8(encoding)))],
    ),
    define(
      'convert_from',
      "The text that bytes hold in 'UTF8'.",
      ["convert_from('\\xc3a9'::bytea, 'UTF8')", '"é"'],
      [
        takes(['BYTEA', 'TEXT'], 'TEXT', (value: Uint8Array, encoding: string) =>
          bytes.textOfUtf8(value, utf8(encoding)),
        ),
      ],
    ),
  ],
};

function utf8(encoding: string): 'utf8' {
  if (!/^utf-?8$/i.test(encoding)) throw new RowError('invalid_argument', "the only encoding is 'UTF8'");
  return 'utf8';
}
