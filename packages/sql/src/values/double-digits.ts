/** The digits of doubles as C's printf writes them: of their exact value, rounded half to even. */

const bits = new DataView(new ArrayBuffer(8));
const mantissaBits = 52n;
const exponentBias = 1075;

/** The exact value of a finite double without its sign, as a fraction. */
function fractionOf(value: number): readonly [numerator: bigint, denominator: bigint] {
  bits.setFloat64(0, Math.abs(value));
  const all = bits.getBigUint64(0);
  const mantissa = all & ((1n << mantissaBits) - 1n);
  const written = Number(all >> mantissaBits);
  // Subnormal ones have the least exponent, and no leading bit.
  const exponent = Math.max(written, 1) - exponentBias;
  const numerator = written === 0 ? mantissa : mantissa | (1n << mantissaBits);
  return exponent >= 0 ? [numerator << BigInt(exponent), 1n] : [numerator, 1n << BigInt(-exponent)];
}

/** The quotient, rounded half to even. */
function roundedQuotient(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator - quotient * denominator);
  const up = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

/** `%.<scale>f` of a finite double, without its sign. */
export function fixedDigits(value: number, scale: number): string {
  const [numerator, denominator] = fractionOf(value);
  const digits = String(roundedQuotient(numerator * 10n ** BigInt(scale), denominator)).padStart(scale + 1, '0');
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** `%.<scale>e` of a finite double, without its sign. */
export function scientificDigits(value: number, scale: number): string {
  if (value === 0) return scientificText('0'.repeat(scale + 1), scale, 0);
  const [numerator, denominator] = fractionOf(value);
  // The shortest digits that JavaScript writes may be of the next power of ten.
  for (let exponent = Number(value.toExponential().split('e')[1]); ; exponent--) {
    const shift = 10n ** BigInt(Math.abs(scale - exponent));
    const digits = String(
      scale >= exponent
        ? roundedQuotient(numerator * shift, denominator)
        : roundedQuotient(numerator, denominator * shift),
    );
    if (digits.length > scale + 1) return scientificText(digits.slice(0, -1), scale, exponent + 1);
    if (digits.length === scale + 1) return scientificText(digits, scale, exponent);
  }
}

/** Digits, of which `scale` stand behind the point, and an exponent of ten. */
export function scientificText(digits: string, scale: number, exponent: number): string {
  const mantissa = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
