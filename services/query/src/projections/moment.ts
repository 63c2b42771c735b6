/** A moment as the tables write it: ISO 8601, UTC. One that no calendar holds becomes the epoch, since the column has to say something. */
export function moment(unixMs: number): string {
  const date = new Date(unixMs);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
