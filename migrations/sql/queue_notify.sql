-- NOTIFY makes commits wait for each other, and Procrastinate's trigger sends two a job. Instead: one a statement and
-- queue, at most one in 100 ms a connection, none for jobs whose time has not come. Who hears nothing looks once a second.
DROP TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 ON procrastinate_jobs;

CREATE FUNCTION deal_queue_notify_jobs_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment double precision := extract(epoch FROM clock_timestamp());
    last_one double precision := coalesce(nullif(current_setting('deal_queue.notified_at', true), ''), '0');
BEGIN
    -- Between 0 and 100 ms ago: a clock that was set back must not silence the connection.
    IF moment - last_one BETWEEN 0 AND 0.1 THEN
        RETURN NULL;
    END IF;
    PERFORM pg_notify('procrastinate_queue_v1#' || due.queue_name, '{"type": "job_inserted", "job_id": 0}')
    FROM (
        SELECT DISTINCT i.queue_name FROM inserted AS i
        WHERE i.status = 'todo' AND (i.scheduled_at IS NULL OR i.scheduled_at <= now())
    ) AS due;
    IF FOUND THEN
        PERFORM set_config('deal_queue.notified_at', moment::text, false);
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER deal_queue_notify_jobs_inserted
    AFTER INSERT ON procrastinate_jobs REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION deal_queue_notify_jobs_inserted();
