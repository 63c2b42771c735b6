CREATE TABLE `metrics_history` (
	`time` text NOT NULL,
	`table_name` text NOT NULL,
	`entity` text NOT NULL,
	`metric` text NOT NULL,
	`value` real NOT NULL
);
--> statement-breakpoint
CREATE INDEX `metrics_history_time` ON `metrics_history` (`time`);