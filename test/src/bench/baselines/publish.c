// The ceiling of `jetstream-to-jetstream`: how fast the C client stores messages that have ids, and does nothing else.
// Usage: publish <url> <subject> <count> <bytes> <prefix of ids>; prints the seconds until every acknowledgement was there.
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long failed = 0;

static void onRefused(jsCtx *js, jsPubAckErr *error, void *closure) { failed++; }

static void check(natsStatus status, const char *what) {
  if (status == NATS_OK) return;
  fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  const char *subject = argv[2];
  const long count = atol(argv[3]);
  const int bytes = atoi(argv[4]);
  char *payload = malloc(bytes);
  memset(payload, 'x', bytes);

  natsConnection *nc = NULL;
  jsCtx *js = NULL;
  jsOptions options;
  check(natsConnection_ConnectTo(&nc, argv[1]), "connect");
  check(jsOptions_Init(&options), "options");
  options.PublishAsync.MaxPending = 10000;
  options.PublishAsync.ErrHandler = onRefused;
  check(natsConnection_JetStream(&js, nc, &options), "jetstream");

  const double startedAt = now();
  for (long i = 0; i < count; i++) {
    char id[128];
    jsPubOptions publish;
    jsPubOptions_Init(&publish);
    snprintf(id, sizeof id, "%s:%ld", argv[5], i);
    publish.MsgId = id;
    check(js_PublishAsync(js, subject, payload, bytes, &publish), "publish");
  }
  check(js_PublishAsyncComplete(js, NULL), "acknowledgements");
  const double seconds = now() - startedAt;
  if (failed > 0) {
    fprintf(stderr, "%ld messages were not stored\n", failed);
    return 1;
  }
  printf("%.6f\n", seconds);
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
  nats_Close();
  free(payload);
  return 0;
}
