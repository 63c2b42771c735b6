/**
 * Days and weeks of dates whose months and days may be any numbers, as PostgreSQL reckons with those of intervals: in whole numbers of 32 bits
 * (https://git.postgresql.org/gitweb/?p=postgresql.git;a=blob;f=src/backend/utils/adt/timestamp.c, date2isoweek).
 */

const cut = (a: number, b: number): number => Math.trunc(a / b);

/** The number of the day, as Julian days are counted. */
export function dayNumber(year: number, month: number, day: number): number {
  const fromMarch = month > 2 ? month + 1 : month + 13;
  const years = (year + (month > 2 ? 4800 : 4799)) | 0;
  const century = cut(years, 100);
  const days = (Math.imul(years, 365) - 32_167 + cut(years, 4) - century + cut(century, 4)) | 0;
  return (days + cut(7834 * fromMarch, 256) + day) | 0;
}

/** The Monday of the week that has the year's fourth of January. */
function firstMonday(year: number): number {
  const fourth = dayNumber(year, 1, 4);
  return (fourth - (((fourth % 7) + 7) % 7)) | 0;
}

/** The ISO 8601 week, the year that it belongs to, and which of that year's days it is. */
export function isoDate(
  year: number,
  month: number,
  day: number,
): { readonly year: number; readonly week: number; readonly dayOfYear: number } {
  const number = dayNumber(year, month, day);
  let isoYear = number < firstMonday(year) ? year - 1 : year;
  let week = cut(number - firstMonday(isoYear), 7) + 1;
  if (week >= 52 && number >= firstMonday(year + 1)) {
    isoYear = year + 1;
    week = cut(number - firstMonday(isoYear), 7) + 1;
  }
  return { year: isoYear, week, dayOfYear: number - firstMonday(isoYear) + 1 };
}
