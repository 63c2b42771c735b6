import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretMask } from './secret-mask.js';

const reference = '$' + '{secret:pw}';

describe('a secret in a text', () => {
  it.each([
    ["password = 'hunter2', subject = 'a'", "password = ***, subject = 'a'"],
    ["PASSWORD='hunter2'", 'PASSWORD=***'],
    ['"password" = \'hunter2\')', '"password" = ***)'],
    ["password'hunter2'", 'password***'],
    ["password => E'hunter2\\' x'", 'password => E***'],
    ["password /* x */ = -- y\n 'hunter2'", 'password /* x */ = -- y\n ***'],
    ["password = 'hunter2", 'password = ***'],
    ["password = 'hun\nter2' , a", 'password = *** , a'],
    ["password = 'it's hunter2', subject = 'a'", 'password = ***'],
    ["password = 'it''s hunter2', a", 'password = ***, a'],
    ['password = hunter2, a', 'password = ***, a'],
    ['token = $x$hunter2$x$, a', 'token = ***, a'],
    ["passwrd = 'hunter2', a", 'passwrd = ***, a'],
    ["tokne = 'hunter2', a", 'tokne = ***, a'],
    ["nats_token 'hunter2', a", 'nats_token ***, a'],
    ["MAP { 'password': 'hunter2' }", "MAP { 'password': *** }"],
    ['{"password": "hunter2", "a": 1', '{"password": ***, "a": 1'],
    ['{"sql": "\\"password\\" = \'hunter2\' x"}', '{"sql": "\\"password\\" = *** x"}'],
    ["servers = 'nats://ann:hunter2@h'", "servers = 'nats://***@h'"],
    ["servers = 'hunter2:x@h'", "servers = '***@h'"],
    ["servers = 'nats://hunter2@h:4222'", "servers = 'nats://***@h:4222'"],
  ])('is masked: %s', (text, masked) => {
    const mask = new SecretMask(text);
    expect(mask.text).toBe(masked);
    expect(mask.text).not.toContain('hunter2');
  });

  it.each([
    `password = '${reference}'`,
    `{"token": "${reference}"}`,
    "username = 'ann', user = 'ann', description = 'a'",
    'SELECT token, password FROM c WHERE passed = 1',
    "SELECT a FROM c WHERE mail = 'ann@example.com' AND a @> b",
    '',
  ])('is not what this holds: %s', (text) => {
    expect(new SecretMask(text).text).toBe(text);
  });

  it('moves the places behind it, and hides those within', () => {
    const text = "😀 password = 'hunter2-long', subjct = 'a'";
    const mask = new SecretMask(text);
    const at = (part: string) => [...text.slice(0, text.indexOf(part))].length;
    const shownAt = (original: number) => [...mask.text].slice(mask.offset(original)).join('');
    expect(shownAt(at('password'))).toBe("password = ***, subjct = 'a'");
    expect(shownAt(at('ter2'))).toBe("***, subjct = 'a'");
    expect(shownAt(at('subjct'))).toBe("subjct = 'a'");
    expect(mask.offset([...text].length)).toBe([...mask.text].length);
  });

  it('stands in no message about it', () => {
    const quoting = new SecretMask("password 'hunter2'").message(`expected "=", found "'hunter2'"`);
    expect(quoting).toBe('expected "=", found "***"');
    expect(new SecretMask('password = hunter2!x').message('expected a value, found "hunter2"')).not.toContain(
      'hunter2',
    );
  });

  it('is found in linear time, whatever the text is', () => {
    for (const part of ['password', 'password/*', "password'", 'token"', 'x@', 'password = $a$ ', '//@', ':']) {
      const startedAt = performance.now();
      new SecretMask(part.repeat(1_000_000 / part.length));
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    }
  });

  it('is never shown, wherever it stands', () => {
    const noise = fc.array(fc.constantFrom("'", '"', ' ', 'a', '=', ',', '(', ')', '\n', '--', '/*', '*/', '😀'), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(noise, noise, (before, after) => {
        const text = `${before.join('')} password = 'hunter2'${after.join('')}`;
        const mask = new SecretMask(text);
        expect(mask.text).not.toContain('hunter2');
        for (let offset = 0; offset <= [...text].length; offset++)
          expect(mask.offset(offset)).toBeLessThanOrEqual([...mask.text].length);
      }),
    );
  });
});
