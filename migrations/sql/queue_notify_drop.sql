-- Back to the trigger of Procrastinate's own schema.
DROP TRIGGER deal_queue_notify_jobs_inserted ON procrastinate_jobs;
DROP FUNCTION deal_queue_notify_jobs_inserted();
CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1
    AFTER INSERT ON procrastinate_jobs
    FOR EACH ROW WHEN ((new.status = 'todo'::procrastinate_job_status))
    EXECUTE PROCEDURE procrastinate_notify_queue_job_inserted_v1();
