-- The demo: earthquakes come in on quakes.<network>, and go out to whom they concern.
-- `npm start` applies this script as it stands, with the address of its own NATS server.

-- Where the features are read: a JetStream stream, made where it is missing.
CREATE OR REPLACE CONNECTION quakes TO nats (
    servers = 'nats://127.0.0.1:4222',
    type = 'source',
    format = 'json',
    jetstream = true,
    stream_name = 'QUAKES',
    stream_subjects = 'quakes.>',
    subject = 'quakes.*'
);

-- Where the results go: a subject each, kept by streams of their own.
CREATE OR REPLACE CONNECTION strong_alerts TO nats (
    servers = 'nats://127.0.0.1:4222',
    type = 'sink',
    format = 'json',
    jetstream = true,
    stream_name = 'ALERTS_STRONG',
    stream_subjects = 'alerts.strong',
    subject = 'alerts.strong'
);

CREATE OR REPLACE CONNECTION felt_alerts TO nats (
    servers = 'nats://127.0.0.1:4222',
    type = 'sink',
    format = 'json',
    jetstream = true,
    stream_name = 'ALERTS_FELT',
    stream_subjects = 'alerts.felt',
    subject = 'alerts.felt'
);

-- Typed columns over the top level of a GeoJSON feature.
CREATE OR REPLACE TABLE earthquakes (
    id TEXT,
    properties JSON,
    geometry JSON
) WITH (
    connector = 'quakes'
);

CREATE OR REPLACE PIPELINE strong_quakes AS
INSERT INTO strong_alerts
SELECT id,
       (properties->>'mag')::double precision AS magnitude,
       properties->>'place' AS place,
       (properties->'time')::timestamp AS happened_at,
       geometry->'coordinates'->2 AS depth_km,
       CASE WHEN (properties->>'mag')::double precision >= 6 THEN 'red' ELSE 'orange' END AS level,
       properties->>'url' AS more
FROM earthquakes
WHERE (properties->>'mag')::double precision >= 4.5;

CREATE OR REPLACE PIPELINE felt_quakes AS
INSERT INTO felt_alerts
SELECT id,
       (properties->>'mag')::double precision AS magnitude,
       upper(properties->>'net') AS network,
       properties->>'place' AS place,
       (properties->'time')::timestamp AS happened_at
FROM earthquakes
WHERE (properties->>'mag')::double precision >= 2.5;
