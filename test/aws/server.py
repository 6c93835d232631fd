"""The AWS test server's entry: options, the admin user, the server's life.

moto answers for the AWS services, http_front.py is what clients talk to. It listens on a free port of the loopback
and says which on stdout, as one line of JSON. It ends on SIGTERM, on SIGINT, and when its stdin is a pipe that is
closed, so that nothing is left behind by a test that died.
"""
import argparse
import json
import os
import signal
import stat
import sys
import threading

os.environ.setdefault("S3_IGNORE_SUBDOMAIN_BUCKETNAME", "true")  # http_front rewrites every request to path style

import access  # noqa: E402  (moto reads the environment when it is imported)
from data_api import DataApi  # noqa: E402
from faults import Faults  # noqa: E402
from http_front import Server  # noqa: E402
from request_log import RequestLog  # noqa: E402


def stop_on_signals_and_stdin():
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if stat.S_ISFIFO(os.fstat(0).st_mode) or stat.S_ISSOCK(os.fstat(0).st_mode):
        def wait_for_end():
            while os.read(0, 4096):
                pass
            stop.set()
        threading.Thread(target=wait_for_end, daemon=True).start()
    return stop


def main():
    parser = argparse.ArgumentParser(description="AWS test server on a free port of the loopback")
    parser.add_argument("--log", metavar="FILE", help="append one line of JSON per request to FILE")
    parser.add_argument("--redshift-dsn", metavar="DSN", help="PostgreSQL that runs the Redshift Data API's statements")
    options = parser.parse_args()

    stop = stop_on_signals_and_stdin()
    access_key_id, secret_access_key = access.create_admin()
    server = Server(RequestLog(options.log), Faults(), DataApi(options.redshift_dsn))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port, "access_key_id": access_key_id,
                      "secret_access_key": secret_access_key, "pid": os.getpid()}), flush=True)
    stop.wait()
    sys.stdout.flush()
    os._exit(0)  # clients may be in the middle of a stalled response: their threads are not waited for


if __name__ == "__main__":
    main()
