-- Two NOTIFYs for each job, in the transaction that stores it: 400 for a page of 200 deals, each of which wakes every
-- worker. Who queues jobs tells the workers instead, after the commit and ten times a second at most.
ALTER TABLE procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1;
