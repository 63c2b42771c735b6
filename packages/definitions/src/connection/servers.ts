/** A server that a connection may use, as `nats://host:port`, or what is wrong with how it is written; `tls` where it is written `tls://`. */
export type ParsedServer = { readonly url: string; readonly tls: boolean } | { readonly problem: string };

const defaultPort = 4222;
const leafNodePort = 7422;

/** Reads a comma-separated list such as `nats://a:4222,nats://b`. Scheme and port may be left out. */
export function parseServers(text: string): ParsedServer[] {
  return text.split(',').map((part) => parseServer(part.trim()));
}

function parseServer(text: string): ParsedServer {
  if (text === '') return { problem: 'a server is empty; write for example nats://localhost:4222' };
  const schemed = text.includes('://') ? text : `nats://${text}`;
  let url: URL;
  try {
    // URL knows ports and hosts of http only, but reads any scheme with an authority like it.
    url = new URL(schemed.replace(/^(nats|tls):/i, 'http:'));
  } catch {
    return { problem: 'a server is not of the form nats://host:port' };
  }
  if (!/^(nats|tls):\/\//i.test(schemed)) {
    return {
      problem: `the scheme ${schemed.slice(0, schemed.indexOf(':'))} is not supported; use nats://host:port or tls://host:port`,
    };
  }
  if (url.username !== '' || url.password !== '' || schemed.includes('@')) {
    return { problem: 'credentials do not belong into servers' };
  }
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    return { problem: 'a server has something after its port; write nats://host:port' };
  }
  // The rewritten scheme hides a port that is http's own default.
  const port = url.port === '' ? (/:80$/.test(schemed) ? 80 : defaultPort) : Number(url.port);
  if (port === leafNodePort) {
    return {
      problem: `port ${leafNodePort} is where leaf nodes connect; clients use the leaf's client port, usually 4222`,
    };
  }
  return { url: `nats://${url.hostname}:${port}`, tls: /^tls:/i.test(schemed) };
}
