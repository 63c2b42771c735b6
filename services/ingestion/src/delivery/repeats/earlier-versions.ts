import type { ConnectionLog } from '@laminar/connectors';
import type { PastPipelines } from '../../desired/past-pipelines.js';
import type { RunningPipeline } from '../pipeline.js';

/** Versions that are kept compiled. */
const keptMax = 32;

/** Pipelines as they were at an earlier version of their definition, to end what that version began; their rows go where those of the present one go. */
export class EarlierVersions {
  readonly #kept = new Map<string, Promise<RunningPipeline | undefined>>();

  constructor(
    readonly past: Pick<PastPipelines, 'specOf'>,
    readonly log: ConnectionLog,
  ) {}

  /** Undefined where the version cannot be had, which a line of the log says with its reason. Never rejects. */
  of(pipeline: RunningPipeline, definitionRevision: number): Promise<RunningPipeline | undefined> {
    const { id, spec } = pipeline;
    const key = `${id}.${spec.revision}.${spec.connection}.${definitionRevision}`;
    const known = this.#kept.get(key);
    if (known) return known;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size >= keptMax) this.#kept.delete(oldest);
    const version = this.#compile(pipeline, definitionRevision).catch((error: unknown) => {
      this.#kept.delete(key);
      const reason = error instanceof Error ? error.message : String(error);
      this.log.write(
        'warn',
        'rows of an earlier version were left as they are, and the present version adds its own',
        () => ({
          attributes: { pipeline: spec.name, revision: definitionRevision, reason },
        }),
      );
      return undefined;
    });
    this.#kept.set(key, version);
    return version;
  }

  async #compile(pipeline: RunningPipeline, definitionRevision: number): Promise<RunningPipeline> {
    const { spec } = pipeline;
    const past = await this.past.specOf(spec, definitionRevision);
    if (past.sink?.name !== spec.sink?.name)
      throw new Error(`it wrote to the sink "${past.sink?.name}", the present one writes to "${spec.sink?.name}"`);
    return pipeline.as({ ...past, sink: spec.sink });
  }
}
