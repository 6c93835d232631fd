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
		FROM etl.run_status WHERE workflow = '$workflow'";
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

# --- Forward: schedules
sub make
{
	my ($name, %columns) = @_;
	my @names = sort keys %columns;
	$etl->sql("INSERT INTO etl.workflow (" . join(', ', 'name', @names) . ") VALUES ("
		  . join(', ', map { "'$_'" } $name, @columns{@names}) . ");
		INSERT INTO etl.task (workflow, name, sql) VALUES ('$name', 'step', 'SELECT 1')");
}

# The clock stands at this many hours after 00:00 of the first day, and some seconds.
sub set_hour
{
	my ($hour) = @_;
	$etl->set_clock($etl->sql("SELECT extract(epoch FROM '$day'::timestamptz - now())::int") + $hour * HOUR + 10);
}
set_hour(24);
make('none', schedule => '0 * * * *', catchup => 'none', overlap => 'allow');
make('last', schedule => '0 * * * *', catchup => 'last', overlap => 'allow');
make('all', schedule => '0 * * * *', catchup => 'all', overlap => 'allow');
make('rate', schedule => 'rate(1 hour)', catchup => 'last', overlap => 'allow');
make('cancelling', schedule => '0 * * * *', catchup => 'last', overlap => 'cancel_running');
$etl->sql(q{UPDATE etl.task SET sql = 'SELECT pg_sleep(600)' WHERE workflow = 'cancelling'});
set_hour(25);
$etl->wait_until(hours($_), '25 succeeded') foreach 'none', 'last', 'all';
pass('an hour later: the hour');
set_hour(28);
$etl->wait_until(hours('all'), '25 succeeded, 26 succeeded, 27 succeeded, 28 succeeded');
$etl->wait_until(hours('last'), '25 succeeded, 27 succeeded, 28 succeeded');
$etl->wait_until(hours('none'), '25 succeeded, 28 succeeded');
$etl->wait_until(hours('cancelling'), '25 cancelled, 27 cancelled, 28 running');
pass('three hours at once: this one, and of those that were missed what catchup says');

# --- Back
# Not those of the rate, which counts from the moment it was made, and comes due some seconds after the full hour.
my $count = q{SELECT count(*) FROM etl.run WHERE workflow <> 'rate'};
my $runs = $etl->sql($count);
my $back = q{SELECT bool_and(next_run_at BETWEEN etl._clock() AND etl._clock() + interval '1 hour') FROM etl.schedule_state};
set_hour(26);
$etl->wait_until($back);
$etl->sql_is($count, $runs, 'two hours back: nothing fires');
set_hour(28);
$etl->wait_until($back);
$etl->sql_is($count, $runs, 'and those hours again: nothing fires twice');
$etl->sql_is(hours('cancelling'), '25 cancelled, 27 cancelled, 28 running', 'nor is its run cancelled');
set_hour(29);
$etl->wait_until(hours('last'), '25 succeeded, 27 succeeded, 28 succeeded, 29 succeeded');
$etl->wait_until(hours('cancelling'), '25 cancelled, 27 cancelled, 28 cancelled, 29 running');
pass('the next hour is as any');

# Ten years ahead for a moment, without those who'd catch up with all of it.
$etl->sql(q{UPDATE etl.workflow SET enabled = false WHERE name = 'all'});
$back =~ s/schedule_state/schedule_state WHERE NOT paused/;
set_hour(10 * 365 * 24);
$etl->wait_until($back);
$etl->sql(q{DROP TABLE go, done; CREATE TABLE go (x int)});
$run = $etl->sql(q{SELECT etl.run_workflow('later')});
$etl->wait_until(qq{SELECT string_agg(status, ',' ORDER BY task, attempt) FROM etl.task_status WHERE run_id = $run}, 'failed,retrying,waiting');
make('made ahead', schedule => 'rate(1 hour)', catchup => 'last', overlap => 'allow');
$etl->sql('CREATE TABLE done (x int); INSERT INTO go VALUES (1)');
# While the server is down, so that nobody sees it happen.
$etl->primary->stop;
$etl->primary->adjust_conf('postgresql.auto.conf', 'etl.clock_offset', 0);
$etl->primary->start;
$etl->wait_until(q{SELECT bool_and(set_at <= now()) FROM etl.timer});
$etl->sql_is(qq{SELECT count(*) FROM etl.task_status WHERE run_id = $run AND status = 'succeeded'}, '0', 'what waits does not start early');
$etl->set_clock(61 * DAY);
is($etl->sql("SELECT etl.wait_for_run($run)"), 'succeeded', 'a clock that stood ten years ahead: nor is it stuck');
$etl->wait_until($back);
set_hour(24);
$etl->wait_until($back);
set_hour(25);
$etl->wait_until(q{SELECT count(*) > 0 FROM etl.run WHERE workflow = 'made ahead'});
pass('as schedules are not, one that was set then among them');

done_testing();
