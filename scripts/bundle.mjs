// Puts what a service runs into few files: loading two thousand modules takes a process longer than anything else that it does until it is ready.
// Part of the services' builds: `node ../../scripts/bundle.mjs service=main`, in the service's folder, writes `dist/service.js` from `dist/main.js`.
import { build } from 'esbuild';

const entryPoints = Object.fromEntries(
  process.argv.slice(2).map((argument) => {
    const [name, module] = argument.split('=');
    return [name, `dist/${module}.js`];
  }),
);

await build({
  entryPoints,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // V8 keeps the text of what it runs, with two bytes a character where one has no place in Latin-1, as some that stand in comments. Names stay, for stack traces.
  minifyWhitespace: true,
  lineLimit: 160,
  // These read files beside their own: compiled code, WebAssembly, the pages of the API's documentation; gRPC is loaded only where it is asked for.
  external: ['better-sqlite3', 'libpg-query', '@jitl/*', 'quickjs-emscripten-core', '@fastify/swagger-ui', '@grpc/*'],
  // CommonJS modules ask for Node's by `require`, which ES modules do not have.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  logLevel: 'warning',
});
