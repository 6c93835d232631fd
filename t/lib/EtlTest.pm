# EtlTest: what TAP tests start. A server with pg_etl, a second one as the warehouse, and the AWS test server.
#
#     use EtlTest;
#     my $etl = EtlTest->new(aws => 1, warehouse => 1);    # each only if asked for
#     $etl->create_aws_server;                             # server aws, mapping for the superuser
#     $etl->fixtures('make-bucket', 'lake');               # test/aws/fixtures.py
#     $etl->sql_is(q{SELECT etl.s3_put('s3://lake/key', 'x')}, '', 'put');
#     is(scalar $etl->requests(method => 'PUT', key => 'key'), 1, 'one request');
#     done_testing();
#
# Run by scripts/test, which sets PATH, PERL5LIB, TESTDIR, ETL_VENV and ETL_SHARED. Everything started here ends
# with the test, however that ends.
package EtlTest;

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename;
use HTTP::Tiny;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $aws_folder = abs_path(dirname(__FILE__) . '/../../test/aws');
my $json = JSON::PP->new->utf8->allow_nonref;

# new(aws => 1, warehouse => 1, conf => "postgresql.conf lines", environment => {NAME => value}, name => 'primary'): start
# all that; the extension is created in the database postgres, and conf and environment are the primary's. Without the AWS
# test server's Python packages a test that needs it is skipped.
sub new
{
	my ($class, %wanted) = @_;
	my $self = bless { conf => $wanted{conf} // '' }, $class;

	if ($wanted{aws})
	{
		plan(skip_all => "no Python packages in $ENV{ETL_VENV}: scripts/setup-python failed")
		  unless -e "$ENV{ETL_VENV}/requirements.txt";    # written when all are installed
		$self->_start_warehouse if $wanted{warehouse};
		$self->_start_aws;
	}
	elsif ($wanted{warehouse})
	{
		$self->_start_warehouse;
	}
	local @ENV{ keys %{ $wanted{environment} } } = values %{ $wanted{environment} } if $wanted{environment};
	$self->{primary} = $self->_start_cluster($wanted{name} // 'primary', $self->{conf});
	return $self;
}

# The PostgreSQL::Test::Cluster nodes.
sub primary { return $_[0]->{primary}; }
sub warehouse { return $_[0]->{warehouse}; }

# http://127.0.0.1:PORT and the admin's keys
sub endpoint { return $_[0]->{aws}{endpoint}; }
sub access_key_id { return $_[0]->{aws}{access_key_id}; }
sub secret_access_key { return $_[0]->{aws}{secret_access_key}; }

# How to log in to the warehouse over TCP, with a password: a hash of host, port, username, password, dbname.
sub warehouse_login { return $_[0]->{login}; }

# The same as Secrets Manager holds it; arguments override parts of it (password => 'wrong').
sub warehouse_secret
{
	my ($self, %changes) = @_;
	return $json->encode({ %{ $self->{login} }, %changes });
}

# The absolute path of a file or folder of the shared test data; a test that needs what isn't there is skipped.
sub shared
{
	my ($path) = @_;
	my $full = "$ENV{ETL_SHARED}/$path";
	plan(skip_all => "no $path in $ENV{ETL_SHARED} (set ETL_SHARED)") unless -e $full;
	return $full;
}

# What a query on the primary prints; dies if it fails.
sub sql
{
	my ($self, $query) = @_;
	return $self->{primary}->safe_psql('postgres', $query);
}

# A query on the primary prints exactly this.
sub sql_is
{
	my ($self, $query, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $stdout, $stderr) = $self->{primary}->psql('postgres', $query, on_error_stop => 1);
	diag("$query\n$stderr") if $status;
	return is($stdout, $expected, $name) && !$status;
}

# A query on the primary fails, and what psql prints of it (SQLSTATE, DETAIL, HINT, CONTEXT) matches each pattern.
sub sql_fails
{
	my ($self, $query, $name, @patterns) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $stdout, $stderr) =
	  $self->{primary}->psql('postgres', "\\set VERBOSITY verbose\n$query", on_error_stop => 1);
	isnt($status, 0, "$name: fails");
	like($stderr, $_, "$name: $_") foreach @patterns;
	return $stderr;
}

# Wait until a query on the primary prints this (default t), at most three minutes; dies with its last answer if not.
sub wait_until
{
	my ($self, $query, $expected) = @_;
	my $answered;
	do
	{
		$answered = eval { $self->{primary}->poll_query_until('postgres', $query, $expected // 't') };
		# psql was refused, as by a server that comes back from a crash, and gone before the query was written to it
	} while ($@ =~ /Broken pipe/);
	die $@ if $@;
	die "still not: $query" unless $answered;
}

# Wait until the primary, which has crashed, has come back.
sub wait_for_server { $_[0]->wait_until('SELECT true'); }

# The engine's clock stands this many seconds ahead of the server's (etl.clock_offset), in all its processes; what has
# come due by that happens now.
sub set_clock
{
	my ($self, $seconds) = @_;
	# Two statements: ALTER SYSTEM takes no transaction.
	$self->{primary}->safe_psql('postgres', $_)
	  foreach "ALTER SYSTEM SET etl.clock_offset = $seconds", 'SELECT pg_reload_conf()';
	# A session that has it was started by a postmaster that has told all others before.
	$self->wait_until(qq{SELECT extract(epoch FROM etl._clock() - clock_timestamp() - interval '$seconds s') BETWEEN -0.5 AND 0.5});
}

# Wait until of what writers have left in a store nothing is on record, but for what is looked for a second time (it may still
# have been on its way).
sub wait_until_swept
{
	my ($self) = @_;
	$self->wait_until(q{SELECT count(*) = 0 FROM pg_ls_dir('pg_stat_tmp/pg_etl.uploads', true, false) f
		WHERE pg_read_file('pg_stat_tmp/pg_etl.uploads/' || f, 0, 1000000, true) !~ '\nlooked '});
}

# Create the foreign server and a user mapping for the role (default: the superuser) with the admin's or the given
# keys: create_aws_server(name => 'aws', role => 'analyst', access_key_id => …, secret_access_key => …).
sub create_aws_server
{
	my ($self, %options) = @_;
	my $name = $options{name} // 'aws';
	$self->sql("CREATE SERVER $name FOREIGN DATA WRAPPER etl_aws "
		  . "OPTIONS (region 'us-east-1', endpoint '$self->{aws}{endpoint}', path_style 'true')");
	$self->create_aws_mapping(%options);
}

# A further user mapping for a server made by create_aws_server; the same options.
sub create_aws_mapping
{
	my ($self, %options) = @_;
	my $name = $options{name} // 'aws';
	my $role = $options{role} // 'CURRENT_USER';
	my $id = $options{access_key_id} // $self->{aws}{access_key_id};
	my $secret = $options{secret_access_key} // $self->{aws}{secret_access_key};
	$self->sql("CREATE USER MAPPING FOR $role SERVER $name "
		  . "OPTIONS (access_key_id '$id', secret_access_key '$secret')");
}

# fixtures(COMMAND, ARGUMENTS…) of test/aws/fixtures.py: the decoded answer. get_object returns the bytes.
sub fixtures
{
	my ($self, $command, @arguments) = @_;
	my $output = $self->_run_fixtures('', $command, @arguments);
	return $json->decode($output);
}

sub get_object
{
	my ($self, $bucket, $key) = @_;
	return $self->_run_fixtures('', 'get-object', $bucket, $key);
}

sub put_object
{
	my ($self, $bucket, $key, $body) = @_;
	return $json->decode($self->_run_fixtures($body, 'put-object', $bucket, $key));
}

# An object of so many zeros but for the marks, put_large('large', 'key', 6 << 30, { OFFSET => 'text' }), in a bucket of its own
# kind, which this makes (test/aws/large_objects.py).
sub put_large
{
	my ($self, $bucket, $key, $size, $marks) = @_;
	$self->_control('POST', 'large', $json->encode({ bucket => $bucket, key => $key, size => $size, marks => $marks // {} }));
}

# TLS with this certificate and key before the AWS test server (test/aws/tls_front.py), on a port of the loopback unless told
# another address and port: its port, and a function that has what it has said since. Without TLS where both are ''.
sub tls_front
{
	my ($self, $certificate, $key, @where) = @_;
	return $self->_start_python('tls_front.py', $self->{aws}{port}, $certificate, $key, @where);
}

# A name server on 127.0.0.1, for tests in a network of their own, that answers what the file says (test/aws/dns_server.py): a
# function that has what it has answered since.
sub name_server
{
	my ($self, $file) = @_;
	my (undef, $said) = $self->_start_python('dns_server.py', $file);
	return $said;
}

# The requests that the AWS test server answered since reset_aws, as hashes (test/aws/request_log.py); only those
# that match: requests(method => 'GET', key => qr{/saledate=}).
sub requests
{
	my ($self, %match) = @_;
	my @found = @{ $json->decode($self->_control('GET', 'log')) };
	foreach my $field (keys %match)
	{
		my $wanted = $match{$field};
		@found = grep {
			my $value = $_->{$field} // '';
			ref $wanted ? $value =~ $wanted : $value eq $wanted
		} @found;
	}
	return @found;
}

# faults({...}, ...): replace the faults in force (test/aws/faults.py).
sub faults
{
	my ($self, @faults) = @_;
	$self->_control('POST', 'faults', $json->encode(\@faults));
}

# machine(role => ARN, ...): what the AWS test server is to be beside a machine or container (test/aws/machine.py).
sub machine
{
	my ($self, %settings) = @_;
	$self->_control('POST', 'machine', $json->encode(\%settings));
}

# The keys of all sessions that there are expire now, on the AWS test server.
sub expire_sessions
{
	my ($self) = @_;
	$self->_control('POST', 'expire');
}

# Start the primary anew, with these variables in its environment and none of AWS's besides.
sub restart_with
{
	my ($self, %variables) = @_;
	delete local @ENV{ grep { /^AWS_/ } keys %ENV };
	local @ENV{ keys %variables } = values %variables;
	$self->{primary}->restart;
}

# Forget log, faults, clock offset and machine.
sub reset_aws
{
	my ($self) = @_;
	$self->_control('POST', 'reset');
}

# The pids of the primary's processes whose titles match: also of those that pg_stat_activity doesn't show, for they have no
# database.
sub processes
{
	my ($self, $title) = @_;
	my ($postmaster) = slurp_file($self->{primary}->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	my @children = split(' ', eval { slurp_file("/proc/$postmaster/task/$postmaster/children") } // '');
	return grep { (eval { slurp_file("/proc/$_/cmdline") } // '') =~ $title } @children;
}

# Wait until there are so many of them, at most so many seconds (default 60): whether there are.
sub wait_for_processes
{
	my ($self, $title, $count, $seconds) = @_;
	my $end = time + ($seconds // 60);
	while (time < $end)
	{
		return 1 if $self->processes($title) == $count;
		usleep(10_000);
	}
	return 0;
}

# Everything the primary has logged.
sub server_log
{
	my ($self) = @_;
	return slurp_file($self->{primary}->logfile);
}

sub _start_cluster
{
	my ($self, $name, $conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	# whatever this machine's locale
	$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
	# the server restarts after a kill -9 as it does in real life, and logs no statement: they may hold secrets
	$node->append_conf('postgresql.conf', <<"CONF");
shared_preload_libraries = 'pg_etl'
max_worker_processes = 32
restart_after_crash = on
log_statement = none
$conf
CONF
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_etl');
	return $node;
}

sub _start_warehouse
{
	my ($self) = @_;
	my $node = $self->_start_cluster('warehouse', "listen_addresses = '127.0.0.1'");
	my %login = (
		host => '127.0.0.1', port => $node->port, dbname => 'dev',
		username => 'loader', password => 'canary-warehouse-password');
	$node->safe_psql('postgres', "CREATE ROLE loader LOGIN PASSWORD '$login{password}'");
	$node->safe_psql('postgres', 'CREATE DATABASE dev OWNER loader');
	$node->safe_psql('dev', 'CREATE EXTENSION pg_etl');
	unlink $node->data_dir . '/pg_hba.conf';    # it trusts everybody on 127.0.0.1
	$node->append_conf('pg_hba.conf', "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256");
	$node->reload;
	@$self{qw(warehouse login)} = ($node, \%login);
}

sub _start_aws
{
	my ($self) = @_;
	my @command = ("$aws_folder/start", '--log', "$PostgreSQL::Test::Utils::log_path/aws.log");
	if ($self->{login})
	{
		my %login = %{ $self->{login} };
		push @command, '--redshift-dsn',
		  "host=$login{host} port=$login{port} dbname=$login{dbname} user=$login{username} password=$login{password}";
	}
	my ($input, $output, $errors) = ('', '', '');
	my $process = IPC::Run::start(\@command, '<', \$input, '>', \$output, '2>', \$errors,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$process->pump until $output =~ /\n/ || !$process->pumpable;
	die "the AWS test server did not start: $errors" unless $output =~ /\n/;
	$self->{aws} = $json->decode($output);
	$self->{aws}{endpoint} = "http://127.0.0.1:$self->{aws}{port}";
	$self->{aws_process} = $process;
}

# A program of test/aws that stays: the first line it prints, and a function that has all others so far.
sub _start_python
{
	my ($self, $program, @arguments) = @_;
	my ($input, $output, $errors) = ('', '', '');
	my $process = IPC::Run::start(["$ENV{ETL_VENV}/bin/python", "$aws_folder/$program", @arguments],
		'<', \$input, '>', \$output, '2>', \$errors, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$process->pump until $output =~ /\n/ || !$process->pumpable;
	die "$program did not start: $errors" unless $output =~ s/^(.*)\n//;
	my $first = $1;
	push @{ $self->{processes} }, $process;
	return ($first, sub { $process->pump_nb; return $output; });
}

sub _run_fixtures
{
	my ($self, $input, @arguments) = @_;
	my ($output, $errors);
	IPC::Run::run(["$ENV{ETL_VENV}/bin/python", "$aws_folder/fixtures.py",
		@{ $self->{aws} }{qw(endpoint access_key_id secret_access_key)}, @arguments],
		'<', \$input, '>', \$output, '2>', \$errors)
	  or die "fixtures $arguments[0]: $errors";
	return $output;
}

sub _control
{
	my ($self, $method, $name, $content) = @_;
	my $answer = HTTP::Tiny->new->request($method, "$self->{aws}{endpoint}/_control/$name", { content => $content // '' });
	die "AWS test server, $name: $answer->{status} $answer->{content}" unless $answer->{success};
	return $answer->{content};
}

sub DESTROY
{
	my ($self) = @_;
	local ($@, $?);
	$_->kill_kill(grace => 5) foreach grep { $_ } $self->{aws_process}, @{ $self->{processes} // [] };
}

1;
