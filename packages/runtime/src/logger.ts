import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on standard output, one an event. Credentials never belong into what is logged; known names are cut out all the same. */
export function createLogger(options: { service: string; instance: string; level: string }): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service, instance: options.instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: [
          'password',
          'token',
          'authorization',
          'nkeySeed',
          '*.password',
          '*.token',
          '*.authorization',
          '*.nkeySeed',
        ],
        censor: '[redacted]',
      },
    },
    // What is written later is flushed when the process exits, which never ends where the reader of the output is gone.
    pino.destination({ dest: 1, sync: true }),
  );
}
