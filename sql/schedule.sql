-- Schedules: etl.next_runs, and the check of what is given to a workflow.
SET TimeZone = 'Europe/Berlin';
SET DateStyle = 'ISO, MDY';

-- every form
SELECT * FROM etl.next_runs('30 9 * * MON-FRI', 'Europe/Berlin', 3, '2026-11-20 12:00');
SELECT * FROM etl.next_runs('*/15 30 9 1,15 * *', 'Europe/Berlin', 5, '2026-11-20 12:00');
SELECT name, r FROM unnest('{@yearly,@annually,@monthly,@weekly,@daily,@midnight,@hourly}'::text[]) name,
	etl.next_runs(name, 'Europe/Berlin', 1, '2026-11-20 12:00') r;
SELECT * FROM etl.next_runs('rate(90 minutes)', n => 3, after => '2026-11-20 12:00:07');
SELECT * FROM etl.next_runs('cron(0 9 ? * 6L 2026-2027)', 'Europe/Berlin', 20, '2026-11-20 12:00');
SELECT * FROM etl.next_runs('cron(0 9 LW * ? *)', 'Europe/Berlin', 3, '2026-11-20 12:00');
-- the zone is UTC if not said otherwise, whatever the session's is
SELECT * FROM etl.next_runs('0 9 * * *', n => 1, after => '2026-11-20 12:00');
SELECT count(*) FROM etl.next_runs('0 9 * * *');
SELECT count(*) FROM etl.next_runs('0 9 * * *', n => 0);
SELECT * FROM etl.next_runs(NULL);

-- clocks put forward: what is in the gap is run at its end, once
SELECT * FROM etl.next_runs('30 2 * * *', 'Europe/Berlin', 3, '2024-03-30 00:00');
SELECT * FROM etl.next_runs('*/20 2 * * *', 'Europe/Berlin', 3, '2024-03-30 02:30');
SELECT * FROM etl.next_runs('*/30 * * * *', 'Europe/Berlin', 4, '2024-03-31 01:00');
-- clocks put back: the first pass of the fold; every hour goes on
SELECT * FROM etl.next_runs('30 2 * * *', 'Europe/Berlin', 3, '2024-10-26 00:00');
SELECT * FROM etl.next_runs('@hourly', 'Europe/Berlin', 4, '2024-10-27 01:00');
SELECT * FROM etl.next_runs('rate(1 day)', 'Europe/Berlin', 2, '2024-10-26 12:00');

-- the last there are
SET TimeZone = 'UTC';
SELECT * FROM etl.next_runs('@yearly', 'UTC', 5, '2197-06-01 00:00');
SELECT * FROM etl.next_runs('@daily', 'UTC', 5, '4000-01-01');
SELECT * FROM etl.next_runs('rate(36500 days)', 'UTC', 5, '2026-11-20 12:00');

-- errors
SELECT etl._schedule_check('0 25 * * *', 'UTC');
SELECT etl._schedule_check('0 0 * * MON-FUN', 'UTC');
SELECT etl._schedule_check('cron(0 9 * * MON *)', 'UTC');
SELECT etl._schedule_check('rate(1 hours)', 'UTC');
SELECT etl._schedule_check('@reboot', 'UTC');
SELECT etl._schedule_check('0 0 30 2 *', 'UTC');
SELECT etl._schedule_check('every day', 'UTC');
SELECT etl._schedule_check(repeat('1,', 300) || '1 * * * *', 'UTC');
SELECT etl._schedule_check('@daily', 'Europe/Bielefeld');
SELECT etl._schedule_check('@daily', 'UTC+2');
SELECT etl._schedule_check('@daily', 'Europe/Berlin2');
SELECT etl._schedule_check('@daily', '');
SELECT * FROM etl.next_runs('@daily', n => -1);
SELECT * FROM etl.next_runs('@daily', after => 'infinity');
\echo :LAST_ERROR_SQLSTATE
SELECT etl._schedule_check('@daily', zone) FROM unnest('{UTC,europe/berlin,Etc/GMT+5,EST5EDT,GMT0}'::text[]) zone;
