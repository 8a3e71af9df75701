-- The trigger sends two NOTIFYs per job in the transaction that stores it: 400 for a page of 200 deals, each of which
-- wakes every worker. The process that queues jobs notifies the workers instead (core/announcing.py), after the commit
-- and at most ten times a second.
ALTER TABLE procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1;
