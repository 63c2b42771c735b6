import { newQuickJSWASMModuleFromVariant, type QuickJSWASMModule } from 'quickjs-emscripten-core';
import { bodyLine, type FunctionSource, functionText, methodText } from './function-source.js';

/** What is wrong with a body, and where: line and column from 1. */
export interface BodyProblem {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** Nesting that needs more is refused; a parser that ran out of the host's own stack would be lost. */
const stackBytesMax = 32 * 1024;
const memoryBytesMax = 16 * 1024 * 1024;

let interpreter: QuickJSWASMModule | undefined;

/** Loads the interpreter (WebAssembly, some 25 ms); once, before anything is checked. */
export async function loadCheck(): Promise<void> {
  interpreter ??= await newQuickJSWASMModuleFromVariant(import('@jitl/quickjs-wasmfile-release-sync'));
}

/** Compiles a function and runs nothing of it; undefined where it is right. */
export function bodyProblem(source: FunctionSource): BodyProblem | undefined {
  if (!interpreter) throw new Error('loadCheck must come first');
  const asFunction = compileProblem(interpreter, functionText(source));
  if (asFunction) return asFunction;
  if (compileProblem(interpreter, methodText(source)) === undefined) return undefined;
  return { message: 'the body ends its function early: a } too many', line: 1, column: 1 };
}

function compileProblem(quickjs: QuickJSWASMModule, text: string): BodyProblem | undefined {
  const runtime = quickjs.newRuntime({ memoryLimitBytes: memoryBytesMax, maxStackSizeBytes: stackBytesMax });
  const context = runtime.newContext();
  try {
    const compiled = context.evalCode(text, 'body', { compileOnly: true });
    if (!compiled.error) {
      compiled.value.dispose();
      return undefined;
    }
    const error: unknown = context.dump(compiled.error);
    compiled.error.dispose();
    return problemOf(error);
  } finally {
    context.dispose();
    runtime.dispose();
  }
}

function problemOf(error: unknown): BodyProblem {
  const { message = String(error), stack = '' } =
    typeof error === 'object' && error !== null ? (error as { message?: string; stack?: string }) : {};
  const [, line = bodyLine, column = 1] = /body:(\d+)(?::(\d+))?/.exec(stack) ?? [];
  const reason = message === 'stack overflow' ? 'it is nested too deeply' : message;
  return { message: reason, line: Math.max(1, Number(line) - bodyLine + 1), column: Number(column) };
}
