# The clock jumps: what has come due by that happens, as the rules for what was missed say; a clock that is put back has
# nothing happen twice and nothing stand still. No time passes here: etl.clock_offset moves the engine's clock.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

use constant { HOUR => 3600, DAY => 86400 };

my $etl = EtlTest->new;

# Runs of a workflow, as numbers of hours after 00:00 of the first day and status.
my $day = $etl->sql(q{SELECT date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'});
sub hours
{
	my ($workflow) = @_;
	return "SELECT string_agg(extract(epoch FROM scheduled_for - '$day')::int / 3600 || ' ' || status, ', ' ORDER BY scheduled_for)
		FROM etl.run WHERE workflow = '$workflow'";
}

# --- Forward: steps
$etl->sql(q{
	CREATE TABLE go (x int);
	INSERT INTO etl.workflow (name) VALUES ('later');
	INSERT INTO etl.task (workflow, name, sql, retries, retry_delay) VALUES ('later', 'retry', 'INSERT INTO done VALUES (1)', 1, '1 hour');
	INSERT INTO etl.task (workflow, name, sql, wait_until, poll_interval) VALUES
		('later', 'wait', 'SELECT 1', 'SELECT EXISTS (SELECT FROM go)', '60 days')});
my $run = $etl->sql(q{SELECT etl.run_workflow('later')});
$etl->wait_until(qq{SELECT string_agg(status, ',' ORDER BY task, attempt) FROM etl.task_status WHERE run_id = $run}, 'failed,retrying,waiting');
$etl->sql('CREATE TABLE done (x int)');
$etl->set_clock(HOUR + 10);
$etl->wait_until(qq{SELECT string_agg(status, ',' ORDER BY task, attempt) FROM etl.task_status WHERE run_id = $run}, 'failed,succeeded,waiting');
pass('a retry an hour away is made when the clock is an hour ahead');
$etl->sql('INSERT INTO go VALUES (1)');
$etl->set_clock(60 * DAY + HOUR + 20);
is($etl->sql("SELECT etl.wait_for_run($run)"), 'succeeded', 'a look that is months away, too');
$etl->sql_is(qq{SELECT bool_and(finished_at >= started_at) AND max(finished_at) > now() + interval '60 days' FROM etl.task_run WHERE run_id = $run},
	't', 'what is written down is of the same clock');
$etl->set_clock(0);

done_testing();
