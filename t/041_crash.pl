# kill -9 at random moments, of executors mostly, but also of the scheduler, the launcher, a session that queues runs and
# the postmaster: every local step's effect is there exactly once, every external one's at least once, no run that was
# queued is lost, none is stuck.
# scripts/torture runs it for longer, or again with the same seed.
use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;
use Time::HiRes qw(usleep);

my $kills = $ENV{ETL_KILLS} // 200;
my $seed = $ENV{ETL_SEED} // int(rand(1 << 31));
srand($seed);
note("ETL_SEED=$seed");

my $etl = EtlTest->new(conf => 'max_connections = 50');
my $node = $etl->primary;

# A query that is asked again while the server comes back from a crash.
sub insist
{
	my ($query) = @_;
	foreach (1 .. 3000)
	{
		my ($status, $stdout, $stderr) = eval { $node->psql('postgres', $query, on_error_stop => 1) };
		if ($@)
		{
			# psql was refused, and gone before the query was written to it
			die $@ unless $@ =~ /Broken pipe/;
			next;
		}
		return $stdout if $status == 0;
		die $stderr unless $stderr =~ /starting up|recovery mode|shutting down|connection|terminat|crash/;
		usleep(10_000);
	}
	die "no answer: $query";
}

# Three tasks in a row, some beside them, and one that comes last, whatever became of the others. A step takes some
# 20 ms, so that most kills hit one. One fails at first, one looks around before it starts, one is external: a statement
# on a connection, which leads back here.
my ($host, $port) = ($node->host, $node->port);
$etl->sql(qq{
	CREATE TABLE effect (run_id bigint, task text);
	CREATE TABLE external_effect (run_id bigint, attempt int);
	CREATE SERVER here FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '$host', port '$port', dbname 'postgres', sslmode 'disable');
	CREATE USER MAPPING FOR CURRENT_USER SERVER here OPTIONS ("user" '} . $etl->sql('SELECT current_user') . q{');
	INSERT INTO etl.workflow (name) VALUES ('torture');
	INSERT INTO etl.task (workflow, name, sql, depends_on)
		SELECT 'torture', name, $$INSERT INTO effect VALUES (:run_id, :'task'); SELECT pg_sleep(0.02)$$, depends_on::text[]
		FROM (VALUES ('a', '{}'), ('b', '{a}'), ('c', '{b}'), ('beside', '{}'), ('looks', '{}'), ('fails first', '{}'), ('last', '{}')) AS t(name, depends_on);
	INSERT INTO etl.task (workflow, name, sql, connection, retries, depends_on)
		VALUES ('torture', 'external', $$INSERT INTO external_effect VALUES (:run_id, :attempt); SELECT pg_sleep(0.02)$$, 'here', 5, '{a}');
	UPDATE etl.task SET wait_until = $$SELECT EXISTS (SELECT FROM effect WHERE run_id = :run_id AND task = 'a')
		OR EXISTS (SELECT FROM etl.task_run WHERE run_id = :run_id AND task = 'a' AND status = 'failed' AND attempt = 3)$$,
		poll_interval = '0.1 s' WHERE name = 'looks';
	UPDATE etl.task SET retries = 1, retry_delay = '0.1 s', sql = sql || $$; SELECT 1 / (SELECT count(*) FROM etl.task_run
		WHERE run_id = :run_id AND task = :'task' AND status = 'failed' AND process_end IS NULL)$$ WHERE name = 'fails first';
	UPDATE etl.task SET depends_on = '{c,beside,looks,fails first,external}', run_if = 'all_done' WHERE name = 'last'});

# A session that queues runs, ten a transaction, and says which transactions it was told were committed.
my $batch = 0;
my @acknowledged;
my ($session, $session_output, $session_errors);

sub start_queuing
{
	$batch++;
	my $script = join '', map { qq{SELECT count(etl.run_workflow('torture', '{}', 'batch $batch.$_ run ' || i))
		FROM generate_series(1, 10) i \\g /dev/null\n\\echo batch $batch.$_\n} } 1 .. 5;
	($session_output, $session_errors) = ('', '');
	$session = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') . ' application_name=queuing' ],
		'<', \$script, '>', \$session_output, '2>', \$session_errors);
}

sub finish_queuing
{
	return unless $session;
	# One that was refused may be gone before its script was written to it.
	eval { $session->finish; 1 } or $@ =~ /Broken pipe/ or die $@;
	push @acknowledged, split /\n/, $session_output;
	undef $session;
}

# What is killed, as often as it is here, and the query for its process ids.
my @victims = (
	# Not one whose step was hit twice before: a third time fails the step, as 040_processes.pl shows.
	([ executor => 'SELECT a.pid FROM etl._activity() a JOIN etl.task_run t USING (task_run_id) WHERE t.attempt < 3' ]) x 6,
	[ scheduler => q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl scheduler'} ],
	[ launcher => q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl launcher'} ],
	[ session => q{SELECT pid FROM pg_stat_activity WHERE application_name = 'queuing'} ],
	[ 'postmaster' ]);

# The processes of which this one is the parent; not by ps, which a small system doesn't have.
sub children
{
	my ($parent) = @_;
	my @children;
	foreach my $file (glob '/proc/[0-9]*/stat')
	{
		open my $stat, '<', $file or next;    # it has just gone
		push @children, $1 if (<$stat> // '') =~ /^(\d+) \(.*\) \S $parent /;
	}
	return @children;
}

# Its children leave when they notice; a new one doesn't start before.
sub kill_postmaster
{
	my @left = children($node->{_pid});
	$node->kill9;
	for (my $i = 0; @left = grep { kill 0, $_ } @left; $i++)
	{
		die "processes stay when the postmaster is gone: @left" if $i > 3000;
		usleep(10_000);
	}
	$node->start;
	return 1;
}

my $killed = 0;
my %killed;
while ($killed < $kills)
{
	my ($kind, $query) = @{ $victims[ int(rand(@victims)) ] };
	my $few = insist(q{SELECT count(*) < 40 FROM etl.task_run WHERE status = 'queued'}) eq 't';
	start_queuing() if $few || $kind eq 'session';
	usleep(int(rand($kind eq 'session' ? 60_000 : 100_000)));
	my $hits = 0;
	if ($kind eq 'postmaster')
	{
		$hits = kill_postmaster();
	}
	elsif (my @pids = split /\n/, insist($query))
	{
		$hits = kill 'KILL', $pids[ int(rand(@pids)) ];
	}
	finish_queuing();
	$killed += $hits;
	$killed{$kind} += $hits;
}
note("killed: " . join ', ', map { "$killed{$_} $_" } sort keys %killed);

for (my $i = 0; insist(q{SELECT count(*) FROM etl.run WHERE finished_at IS NULL}) > 0; $i++)
{
	die 'runs are stuck: ' . insist(q{SELECT string_agg(t::text, E'\n') FROM etl.task_status t WHERE finished_at IS NULL})
	  if $i > 1000;
	usleep(100_000);
}
is($killed, $kills, "$kills processes were killed");
cmp_ok($killed{executor} // 0, '>=', 50, 'executors at least 50 times') if $kills >= 200;
is(insist(q{SELECT count(*) FROM etl.task_run WHERE finished_at IS NULL}), '0', 'nothing is left in the queue');
is(insist(q{
	WITH recorded AS (SELECT run_id, task, count(*) AS n FROM etl.task_run
			WHERE status = 'succeeded' AND task <> 'external' GROUP BY 1, 2),
		done AS (SELECT run_id, task, count(*) AS n FROM effect GROUP BY 1, 2)
	SELECT count(*) FROM recorded FULL JOIN done USING (run_id, task)
	WHERE recorded.n IS DISTINCT FROM 1 OR done.n IS DISTINCT FROM 1}),
	'0', 'each local step that succeeded has taken effect exactly once, and no other');
is(insist(q{
	WITH recorded AS (SELECT run_id, count(*) AS attempts, bool_or(status = 'succeeded') AS succeeded
			FROM etl.task_run WHERE task = 'external' AND started_at IS NOT NULL GROUP BY 1),
		done AS (SELECT run_id, count(*) AS n, count(DISTINCT attempt) AS attempts FROM external_effect GROUP BY 1)
	SELECT count(*) FROM recorded FULL JOIN done USING (run_id)
	WHERE succeeded AND done.n IS NULL OR done.n IS DISTINCT FROM done.attempts OR done.n > coalesce(recorded.attempts, 0)}),
	'0', 'each external one at least once, and once an attempt');
is(insist(q{SELECT count(*) FROM etl.run r WHERE status = 'succeeded' AND 7 <> (SELECT count(*) FROM effect e WHERE e.run_id = r.run_id)}),
	'0', 'each run that succeeded has all its steps');
is(insist(q{SELECT count(*) FROM etl.task_run t WHERE status = 'failed' AND process_end IS NULL
	AND NOT (task = 'fails first' AND sqlstate = '22012') AND NOT (task = 'external' AND sqlstate ~ '^(08|57P)')}),
	'0', 'no attempt failed but by being killed, or as it was meant to');
is(insist('SELECT count(*) FROM (VALUES ' . join(',', map { "('$_')" } @acknowledged) . q{) AS a(name)
	WHERE 10 <> (SELECT count(*) FROM etl.run r WHERE r.run_name LIKE a.name || ' run %')}),
	'0', 'every run is there whose queuing was acknowledged: ' . 10 * @acknowledged);
is(insist(q{SELECT count(*) FROM etl.run r WHERE status <> 'succeeded'
	AND 3 > (SELECT count(*) FROM etl.task_run t WHERE t.run_id = r.run_id AND process_end = 'crashed' GROUP BY task ORDER BY count(*) DESC LIMIT 1)}),
	'0', 'every run succeeded, but for those with a step that was killed three times')
  or diag(insist(q{SELECT string_agg(t::text, E'\n') FROM etl.task_status t JOIN etl.run r USING (run_id) WHERE r.status <> 'succeeded'}));
my $steps = insist(q{SELECT count(*) FROM effect});
my $counted = insist(q{SELECT count(*) FROM etl.task_run WHERE process_end = 'crashed'});
note("$steps steps; $counted attempts counted as crashed");
cmp_ok($counted, '>', 0, 'attempts that were killed are counted');

done_testing();
