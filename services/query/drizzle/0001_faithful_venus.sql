CREATE TABLE `nats_logs` (
	`timestamp` text NOT NULL,
	`connection` text NOT NULL,
	`level` text NOT NULL,
	`message` text NOT NULL,
	`attributes` text NOT NULL,
	`instance` text NOT NULL,
	`trace_id` text
);
--> statement-breakpoint
CREATE INDEX `nats_logs_connection` ON `nats_logs` (`connection`,`timestamp`);