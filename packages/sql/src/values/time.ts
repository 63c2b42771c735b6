/** TIMESTAMP is microseconds since 1970 in UTC, DATE days since 1970; both as doubles, which hold them exactly. */
const microsPerMilli = 1000;
const microsPerDay = 86_400_000_000;
const millisPerDay = 86_400_000;

const pattern =
  /^\s*(\d{4,6})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(Z|UTC|[+-]\d{1,2}(?::?\d{2})?)?)?\s*$/i;

/** The instant that a text writes in ISO 8601, in microseconds, or undefined. Without a zone it is UTC. */
export function parseTimestamp(text: string): number | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((i) => Number(match[i] ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 24 || minute > 59 || second > 60)
    return undefined;
  if (hour === 24 && (minute > 0 || second > 0)) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const fraction = Math.round(Number(`0.${match[7] ?? '0'}`) * 1_000_000);
  return (
    date.getTime() * microsPerMilli + (hour * 3600 + minute * 60 + second) * 1_000_000 + fraction - zoneMicros(match[8])
  );
}

/** `2026-03-29T01:30:00Z`, with a fraction where there is one. */
export function timestampText(micros: number): string {
  const fraction = ((micros % 1_000_000) + 1_000_000) % 1_000_000;
  const seconds = new Date((micros - fraction) / microsPerMilli).toISOString().replace(/\.000Z$/, '');
  return fraction === 0 ? `${seconds}Z` : `${seconds}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}Z`;
}

export const timestampOfMillis = (millis: number): number => Math.round(millis * microsPerMilli);
export const timestampOfDate = (days: number): number => days * microsPerDay;
export const dateOfTimestamp = (micros: number): number => Math.floor(micros / microsPerDay);
export const dateText = (days: number): string => new Date(days * millisPerDay).toISOString().replace(/T.*$/, '');

/** Instants that a Date can hold: 271821 BC to AD 275760. */
export const timestampMicrosMax = 8.64e18;

function zoneMicros(zone: string | undefined): number {
  if (zone === undefined || /^(z|utc)$/i.test(zone)) return 0;
  const match = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone);
  const minutes = Number(match?.[2] ?? 0) * 60 + Number(match?.[3] ?? 0);
  return (match?.[1] === '-' ? -minutes : minutes) * 60_000_000;
}

const daysIn = (year: number, month: number): number => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
