-- What our use of Procrastinate's tables needs beyond its own schema. The index shortens unregistering a worker that ran
-- a million jobs from 4.5 s to 0.6 ms; the tables are small and change all the time, so they are vacuumed early.
CREATE INDEX ix_procrastinate_jobs_worker_id ON procrastinate_jobs (worker_id) WHERE worker_id IS NOT NULL;
ALTER TABLE procrastinate_jobs SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE procrastinate_events SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE procrastinate_workers SET (autovacuum_vacuum_scale_factor = 0.02);
