CREATE TABLE `dead_letters` (
	`id` text PRIMARY KEY NOT NULL,
	`timestamp` text NOT NULL,
	`connection` text NOT NULL,
	`pipeline` text,
	`subject` text NOT NULL,
	`sequence` integer,
	`error` text NOT NULL,
	`payload` text NOT NULL,
	`headers` text,
	`definition_revision` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `dead_letters_connection` ON `dead_letters` (`connection`);--> statement-breakpoint
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