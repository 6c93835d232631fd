# EtlSession: sessions beside the test's own, for what is to be cancelled, ended or killed amid a statement.
#
#     use EtlSession;
#     sessions_of($etl);    # on the primary of this EtlTest
#     my $session = session('SELECT pg_sleep(600)');
#     wait_for_session($session, q{wait_event = 'PgSleep'});
#     $etl->sql("SELECT pg_cancel_backend($session->{pid})");
#     $session->{run}->finish;
#     like($session->{stderr}, qr/57014/, 'it is cancelled');
package EtlSession;

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);
use IPC::Run;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(sessions_of session wait_for_session kill_backend);

my $etl;

sub sessions_of { ($etl) = @_; }

# A session that goes on with these statements, whatever becomes of each: its pid, its psql (run), and what that has printed since
# (stdout, in which the pid comes first, and stderr, with SQLSTATEs).
sub session
{
	my ($sql) = @_;
	my %session = (stdin => "\\set VERBOSITY verbose\nSELECT pg_backend_pid();\n$sql;\n", stdout => '', stderr => '');
	$session{run} = IPC::Run::start([ 'psql', '-XAtq', '-f', '-', $etl->primary->connstr('postgres') ], '<', \$session{stdin}, '>',
		\$session{stdout}, '2>', \$session{stderr}, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$session{run}->pump until $session{stdout} =~ /^(\d+)\n/ || !$session{run}->pumpable;
	($session{pid}) = $session{stdout} =~ /^(\d+)\n/;
	return \%session;
}

# Its row of pg_stat_activity is so.
sub wait_for_session
{
	my ($session, $condition) = @_;
	$etl->wait_until("SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $session->{pid} AND $condition");
}

# Its process ends by SIGKILL, by which the server loses all others, and comes back.
sub kill_backend
{
	my ($session) = @_;
	kill('KILL', $session->{pid});
	eval { $session->{run}->finish };
	$etl->wait_for_server;
}

1;
