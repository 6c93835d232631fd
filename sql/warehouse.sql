-- etl_warehouse servers and user mappings: options that make no sense are refused, passwords are asked for.
SET client_min_messages = warning;

-- servers
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse;
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'h');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'h', dbname 'd', service 's');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'h', dbname 'd', password 'p');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'h', dbname 'd', port '0');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'h', dbname 'd', port '5439 ');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'h', dbname 'd', port '70000');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'h,i', dbname 'd');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '', dbname 'd');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'h', dbname 'd', sslmode 'maybe');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'h', dbname 'd', connect_timeout '-1');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'h', dbname 'd', aws_server 'a');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (secret_id 's', host 'h');
CREATE SERVER warehouse_secret FOREIGN DATA WRAPPER etl_warehouse OPTIONS (secret_id 's', dbname 'd', aws_server 'a', sslmode 'require');
CREATE SERVER warehouse_test FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '127.0.0.1', port '1', dbname 'd', connect_timeout '5');
ALTER SERVER warehouse_test OPTIONS (DROP dbname);

-- user mappings
CREATE USER MAPPING FOR CURRENT_USER SERVER warehouse_test OPTIONS (host 'h');
CREATE USER MAPPING FOR CURRENT_USER SERVER warehouse_test OPTIONS ("user" 'u', password '');

-- connections that can't be made
CALL etl.execute('SELECT 1', 'nosuch');
CREATE FOREIGN DATA WRAPPER warehouse_other;
CREATE SERVER warehouse_wrong FOREIGN DATA WRAPPER warehouse_other;
CALL etl.execute('SELECT 1', 'warehouse_wrong');
CREATE ROLE warehouse_user;
GRANT USAGE ON SCHEMA etl TO warehouse_user;
GRANT EXECUTE ON PROCEDURE etl.execute(text, text, jsonb) TO warehouse_user;
GRANT USAGE ON FOREIGN DATA WRAPPER etl_warehouse TO warehouse_user;
CREATE USER MAPPING FOR warehouse_user SERVER warehouse_test OPTIONS ("user" 'u');
SET ROLE warehouse_user;
CALL etl.execute('SELECT 1', 'warehouse_test');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER warehouse_test TO warehouse_user;
SET ROLE warehouse_user;
CALL etl.execute('SELECT 1', 'warehouse_test');
-- a server of one's own can't name the server's sockets, nor do without a password
CREATE SERVER warehouse_own FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '/tmp', dbname 'd');
CREATE USER MAPPING FOR warehouse_user SERVER warehouse_own OPTIONS ("user" 'u', password 'p');
CALL etl.execute('SELECT 1', 'warehouse_own');
ALTER USER MAPPING FOR warehouse_user SERVER warehouse_own OPTIONS (DROP password);
CALL etl.execute('SELECT 1', 'warehouse_own');
ALTER USER MAPPING FOR warehouse_user SERVER warehouse_own OPTIONS (DROP "user");
CALL etl.execute('SELECT 1', 'warehouse_own');
RESET ROLE;
-- not even for a superuser
CREATE USER MAPPING FOR CURRENT_USER SERVER warehouse_own OPTIONS ("user" 'u');
CALL etl.execute('SELECT 1', 'warehouse_own');

DROP SERVER warehouse_own CASCADE;
DROP SERVER warehouse_test CASCADE;
DROP SERVER warehouse_secret;
DROP FOREIGN DATA WRAPPER warehouse_other CASCADE;
DROP OWNED BY warehouse_user;
DROP ROLE warehouse_user;
