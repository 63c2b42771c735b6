const zero = 0x30;

/** The number that the ASCII digits from `start` to before `end` make; NaN where anything else stands there, or nothing. */
export function digitsOf(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start) return Number.NaN;
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - zero;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/** Writes a whole number from 0 on as ASCII digits, and says where they end. */
export function writeDigits(number: number, bytes: Uint8Array, start: number): number {
  let end = start + 1;
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) end++;
  for (let at = end - 1, rest = number; at >= start; at--, rest = Math.floor(rest / 10)) bytes[at] = zero + (rest % 10);
  return end;
}
