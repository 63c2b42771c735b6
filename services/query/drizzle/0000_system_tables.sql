CREATE TABLE `definition_events` (
	`revision` integer PRIMARY KEY NOT NULL,
	`kind` text,
	`name` text,
	`version` integer,
	`type` text,
	`at` text NOT NULL,
	`actor` text,
	`traceparent` text,
	`definition` text,
	`to_version` integer,
	`event_id` text,
	`problem` text
);
--> statement-breakpoint
CREATE INDEX `definition_events_name` ON `definition_events` (`kind`,`name`);--> statement-breakpoint
CREATE TABLE `definitions` (
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`revision` integer NOT NULL,
	`incarnation` integer,
	`created_at` text,
	`updated_at` text,
	`actor` text,
	`desired` text,
	`definition` text,
	`quarantined` text,
	PRIMARY KEY(`kind`, `name`)
);
--> statement-breakpoint
CREATE TABLE `nats_connections` (
	`connection_name` text PRIMARY KEY NOT NULL,
	`server_url` text NOT NULL,
	`state` text NOT NULL,
	`subscriptions_count` integer NOT NULL,
	`messages_received` integer NOT NULL,
	`bytes_received` integer NOT NULL,
	`messages_dropped` integer NOT NULL,
	`reconnects` integer NOT NULL,
	`last_error` text,
	`instance` text NOT NULL,
	`rtt_ms` real,
	`updated_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `nats_jetstream_consumers` (
	`connection_name` text NOT NULL,
	`stream_name` text NOT NULL,
	`consumer_name` text NOT NULL,
	`pending_messages` integer NOT NULL,
	`ack_pending` integer NOT NULL,
	`redelivered` integer NOT NULL,
	`waiting_pulls` integer NOT NULL,
	`last_delivered` integer NOT NULL,
	`lag` integer NOT NULL,
	`exhausted` integer NOT NULL,
	`updated_at` text NOT NULL,
	PRIMARY KEY(`connection_name`, `stream_name`, `consumer_name`)
);
--> statement-breakpoint
CREATE TABLE `nats_server_info` (
	`connection` text NOT NULL,
	`server_id` text NOT NULL,
	`server_name` text NOT NULL,
	`version` text NOT NULL,
	`host` text NOT NULL,
	`port` integer NOT NULL,
	`cluster` text NOT NULL,
	`jetstream` integer NOT NULL,
	`tls_required` integer NOT NULL,
	`auth_required` integer NOT NULL,
	`max_payload` integer NOT NULL,
	`client_id` integer NOT NULL,
	`updated_at` text NOT NULL,
	PRIMARY KEY(`connection`, `server_id`, `client_id`)
);
--> statement-breakpoint
CREATE TABLE `pipeline_instances` (
	`pipeline` text NOT NULL,
	`instance` text NOT NULL,
	`desired_revision` integer NOT NULL,
	`applied_revision` integer NOT NULL,
	`state` text NOT NULL,
	`message` text NOT NULL,
	`updated_at` text NOT NULL,
	PRIMARY KEY(`pipeline`, `instance`)
);
--> statement-breakpoint
CREATE TABLE `pipelines` (
	`name` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`instances` integer NOT NULL,
	`messages_in` integer NOT NULL,
	`messages_out` integer NOT NULL,
	`errors` integer NOT NULL,
	`dead_letters` integer NOT NULL,
	`latency_p50_ms` real,
	`latency_p99_ms` real,
	`last_error` text,
	`updated_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `spans` (
	`trace_id` text NOT NULL,
	`span_id` text NOT NULL,
	`parent_span_id` text,
	`service` text NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`start_time` text NOT NULL,
	`end_time` text NOT NULL,
	`duration_ms` real NOT NULL,
	`status` text NOT NULL,
	`attributes` text NOT NULL,
	PRIMARY KEY(`trace_id`, `span_id`)
);
--> statement-breakpoint
CREATE INDEX `spans_start_time` ON `spans` (`start_time`);--> statement-breakpoint
CREATE INDEX `spans_name` ON `spans` (`name`);--> statement-breakpoint
CREATE TABLE `workers` (
	`instance` text PRIMARY KEY NOT NULL,
	`host` text NOT NULL,
	`pid` integer NOT NULL,
	`started_at` text NOT NULL,
	`heartbeat_at` text NOT NULL,
	`readers` integer NOT NULL
);
