import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ContextManager, diag, ROOT_CONTEXT } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';

/** Spans are to be seen within two seconds. */
const exportDelayMs = 500;
const exportTimeoutMs = 10_000;
const shutdownTimeoutMs = 2000;
/** Spans are encoded a batch at a time, which messages have to wait for. */
const exportBatchMax = 128;
const exportQueueMax = 4096;

/**
 * Spans are told their parents where they are started. To carry one over each `await` Node would have to call its hooks for every promise, those of the data
 * plane among them.
 */
const noActiveContext: ContextManager = {
  active: () => ROOT_CONTEXT,
  with: (_context, work, self, ...values) => work.apply(self as ThisParameterType<typeof work>, values),
  bind: (_context, target) => target,
  enable: () => noActiveContext,
  disable: () => noActiveContext,
};

export interface TelemetryOptions {
  readonly serviceName: string;
  readonly instance: string;
  /** Base URL of an OTLP/HTTP receiver, used unless the standard `OTEL_EXPORTER_OTLP_*` variables name one. */
  readonly otlpEndpoint: string;
  readonly otlpHeaders: { readonly [name: string]: string };
}

export interface Telemetry {
  /** Sends what is left, for two seconds at most. */
  shutdown(): Promise<void>;
  /** Answers `GET /metrics` in Prometheus' text format. */
  metricsHandler(request: IncomingMessage, response: ServerResponse): void;
}

/**
 * Starts the OpenTelemetry SDK. Every span that is started is sampled unless its parent is not; the data plane
 * decides for itself for which messages it starts any, so that no sampler runs per message.
 */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const { serviceName, instance } = options;
  const prometheus = new PrometheusExporter({ preventServerStart: true });
  const chosen = process.env.OTEL_EXPORTER_OTLP_ENDPOINT ?? process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const exporter = new OTLPTraceExporter({
    timeoutMillis: exportTimeoutMs,
    ...(chosen === undefined ? { url: `${options.otlpEndpoint}/v1/traces`, headers: { ...options.otlpHeaders } } : {}),
  });
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: process.env.OTEL_SERVICE_NAME ?? serviceName,
      'service.instance.id': instance,
    }),
    contextManager: noActiveContext,
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        scheduledDelayMillis: exportDelayMs,
        exportTimeoutMillis: exportTimeoutMs,
        maxExportBatchSize: exportBatchMax,
        maxQueueSize: exportQueueMax,
      }),
    ],
    metricReaders: [prometheus],
    instrumentations: [],
  });
  sdk.start();
  // A receiver that is away is no event of this service; without this each lost batch would be a line in its log.
  diag.disable();
  return {
    metricsHandler: (request, response) => prometheus.getMetricsRequestHandler(request, response),
    async shutdown() {
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, shutdownTimeoutMs);
      });
      // What could not be sent by now is lost, which a stop has to accept.
      await Promise.race([sdk.shutdown().catch(() => undefined), limit]);
      clearTimeout(timer);
    },
  };
}
