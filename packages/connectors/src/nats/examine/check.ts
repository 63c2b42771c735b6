/** What is looked at, in this order: a failure makes what stands on it impossible. */
export const checkNames = [
  'reach',
  'tls',
  'authentication',
  'server',
  'permissions',
  'stream',
  'consumer',
  'sample',
] as const;
export type CheckName = (typeof checkNames)[number];

export type CheckStatus =
  | 'ok'
  /** It works, but hardly as it is meant. */
  | 'warning'
  | 'failed'
  /** It was not looked at, or there is nothing to look at. */
  | 'skipped';

/** What a check found. The message has the evidence, and what to do where it is not well; no secret. */
export interface Finding {
  readonly status: CheckStatus;
  readonly message: string;
}

export interface ConnectionCheck extends Finding {
  readonly check: CheckName;
  readonly durationMs: number;
}

export const ok = (message: string): Finding => ({ status: 'ok', message });
export const warning = (message: string): Finding => ({ status: 'warning', message });
export const failed = (message: string): Finding => ({ status: 'failed', message });
export const skipped = (message: string): Finding => ({ status: 'skipped', message });

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
