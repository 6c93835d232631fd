# kill -9 of an executor at random moments: every step's effect is there exactly once.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;
use Time::HiRes qw(usleep);

my $kills = $ENV{ETL_KILLS} // 50;
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

# Three tasks in a row and one beside them; a step takes some 20 ms, so that most kills hit one.
$etl->sql(q{
	CREATE TABLE effect (run_id bigint, task text);
	INSERT INTO etl.workflow (name) VALUES ('torture');
	INSERT INTO etl.task (workflow, name, sql, depends_on)
		SELECT 'torture', name, $$INSERT INTO effect VALUES (:run_id, :'task'); SELECT pg_sleep(0.02)$$, depends_on::text[]
		FROM (VALUES ('a', '{}'), ('b', '{a}'), ('c', '{b}'), ('beside', '{}')) AS t(name, depends_on)});

my $killed = 0;
my $batch = 0;
while ($killed < $kills)
{
	# Work for a while, queued under a name, so that insisting queues it once.
	$batch++;
	insist("SELECT count(etl.run_workflow('torture', '{}', 'batch $batch run ' || i)) FROM generate_series(1, 30) i")
	  if insist(q{SELECT count(*) < 40 FROM etl.task_run WHERE status = 'queued'}) eq 't';
	usleep(int(rand(150_000)));
	# Not one whose step was hit twice before: a third time fails the step, as 040_processes.pl shows.
	my @pids = split /\n/, insist(q{SELECT a.pid FROM etl._activity() a JOIN etl.task_run t USING (task_run_id)
		WHERE t.attempt < 3});
	next unless @pids;
	$killed += kill 'KILL', $pids[ int(rand(@pids)) ];
}

for (my $i = 0; insist(q{SELECT count(*) FROM etl.run WHERE finished_at IS NULL}) > 0; $i++)
{
	die 'runs are stuck: ' . insist(q{SELECT string_agg(t::text, E'\n') FROM etl.task_status t WHERE finished_at IS NULL})
	  if $i > 1000;
	usleep(100_000);
}
is($killed, $kills, "$kills executors were killed");
is(insist(q{SELECT count(*) FROM etl.task_run WHERE finished_at IS NULL}), '0', 'nothing is left in the queue');
is(insist(q{
	WITH recorded AS (SELECT run_id, task, count(*) AS n FROM etl.task_run WHERE status = 'succeeded' GROUP BY 1, 2),
		done AS (SELECT run_id, task, count(*) AS n FROM effect GROUP BY 1, 2)
	SELECT count(*) FROM recorded FULL JOIN done USING (run_id, task)
	WHERE recorded.n IS DISTINCT FROM 1 OR done.n IS DISTINCT FROM 1}),
	'0', 'each step that succeeded has taken effect exactly once, and no other');
is(insist(q{SELECT count(*) FROM etl.run r WHERE status = 'succeeded' AND 4 <> (SELECT count(*) FROM effect e WHERE e.run_id = r.run_id)}),
	'0', 'each run that succeeded has all its steps');
is(insist(q{SELECT count(*) FROM etl.task_run t WHERE status = 'failed' AND process_end IS DISTINCT FROM 'crashed'}),
	'0', 'no attempt failed but by being killed');
is(insist(q{SELECT count(*) FROM etl.run WHERE status NOT IN ('succeeded')}), '0', 'every run succeeded')
  or diag(insist(q{SELECT string_agg(t::text, E'\n') FROM etl.task_status t JOIN etl.run r USING (run_id) WHERE r.status <> 'succeeded'}));
my $steps = insist(q{SELECT count(*) FROM effect});
my $counted = insist(q{SELECT count(*) FROM etl.task_run WHERE process_end = 'crashed'});
note("$steps steps; $counted attempts counted as crashed");
cmp_ok($counted, '>', 0, 'attempts that were killed are counted');

done_testing();
