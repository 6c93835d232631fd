"""Compares etl.aws_call with botocore, action by action: `call_oracle.py PSQL-ARGUMENTS…` on a database with pg_etl.

For every action of every service that pg_etl knows, an input is made from botocore's model of it, with all members; where one
is a token that pg_etl makes if it is missing, one with the required members alone, too. pg_etl calls a server here that
keeps what it gets, and that is compared with what botocore would have sent: method, path, query, headers, body. Answers in
XML are made from the model as well, and what pg_etl makes of them is compared with what botocore does; so are members of
answers that come in headers, and the following of pages.

Prints a line a service and kind, "ok …" or "not ok …", and on stderr what differs.
"""
import base64
import datetime
import http.server
import json
import subprocess
import sys
import threading
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

import botocore.session
from botocore import parsers, serialize
from botocore.model import ServiceModel

# botocore's name of each, and pg_etl's
SERVICES = {name: name for name in (
    "athena batch cloudwatch dms dynamodb ec2 ecs emr events glue iam kms lakeformation lambda logs quicksight redshift "
    "redshift-data redshift-serverless scheduler secretsmanager sns sqs ssm sts").split()} | {"stepfunctions": "states"}
STREAMS = {"InvokeWithResponseStream", "GetWorkUnitResults", "GetLogObject", "StartLiveTail"}
TEXT = "a b/c+é&=\"'%41\\"
MOMENT = datetime.datetime(2026, 11, 20, 1, 2, 3, tzinfo=datetime.timezone.utc)
ISO = "2026-11-20T01:02:03Z"


class Sink(http.server.BaseHTTPRequestHandler):
    """Keeps each request and gives the answers in turn."""
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # one packet an answer
    requests, answers = [], []

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.requests.append({"method": self.command, "target": self.path, "headers": dict(self.headers), "body": body})
        headers, content = self.answers.pop(0)
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def log_message(self, *arguments):
        pass


class Oracle:
    def __init__(self, psql):
        self.psql = ["psql", "-XAtq", *psql]
        self.loader = botocore.session.get_session().get_component("data_loader")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def model(self, service):
        model = ServiceModel(self.loader.load_service_model(service, "service-2"), service)
        protocol = model.metadata["protocol"]
        return model, "json" if "json" in model.metadata.get("protocols", ()) else protocol

    def calls(self, calls):
        """The answers that psql prints of (function, service, action, input) calls, one after another."""
        script = [f"SET etl.aws_server = 'call_oracle';"]
        for function, service, action, given in calls:
            script.append(f"SELECT etl.{function}('{service}', '{action}', $json${json.dumps(given)}$json$);")
        done = subprocess.run(self.psql, input="\n".join(script), capture_output=True, text=True)
        if done.returncode:
            print(done.stderr[:2000], file=sys.stderr)
        return done.stdout.splitlines()

    def set_up(self):
        endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        subprocess.run(self.psql, check=True, text=True, input=f"""
            CREATE SERVER call_oracle FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1', endpoint '{endpoint}');
            CREATE USER MAPPING FOR CURRENT_USER SERVER call_oracle
                OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'oracle');""")


def make(shape, protocol, location="body", seen=()):
    """(what pg_etl is given, what botocore is given) for a shape; None for what would not come to an end."""
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return {"free": [1, "form"]}, {"free": [1, "form"]}
        if shape.name in seen:
            return None
        ours, theirs = {}, {}
        for name, member in shape.members.items():
            made = make(member, protocol, member.serialization.get("location", "body"), seen + (shape.name,))
            if made is not None:
                ours[name], theirs[name] = made
        return ours, theirs
    if kind == "list":
        made = make(shape.member, protocol, location, seen)
        return None if made is None else ([made[0]] * 2, [made[1]] * 2)
    if kind == "map":
        made = make(shape.value, protocol, location, seen)
        return None if made is None else tuple({"Key": value, "key 2": value} for value in made)
    if kind == "timestamp":
        iso = protocol in ("query", "ec2") or location == "querystring"
        if shape.serialization.get("timestampFormat"):
            iso = shape.serialization["timestampFormat"] == "iso8601"
        return (ISO if iso else int(MOMENT.timestamp())), MOMENT
    if kind == "blob":
        if location == "payload":
            return '{"raw": [1, 2]}', b'{"raw": [1, 2]}'
        return base64.b64encode(b"\0bytes").decode(), b"\0bytes"
    if kind == "boolean":
        return True, True
    if kind in ("integer", "long"):
        return 7, 7
    if kind in ("double", "float"):
        return 1.5, 1.5
    return (TEXT, TEXT) if location != "header" else ("plain", "plain")


def inputs(operation, protocol):
    shape = operation.input_shape
    if shape is None:
        yield {}, {}
        return
    ours, theirs = make(shape, protocol)
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "blob":
        ours[payload], theirs[payload] = make(shape.members[payload], protocol, "payload")
    yield ours, theirs
    required = set(shape.required_members) - set(operation.idempotent_members)
    yield {k: v for k, v in ours.items() if k in required}, {k: v for k, v in theirs.items() if k in required}


def json_of(body):
    try:
        return json.loads(body or b"{}")
    except ValueError:
        return body


def normal(request):
    """A request, as botocore makes it or as it came, in one form."""
    body = request["body"]
    body = body.encode() if isinstance(body, str) else body
    headers = {name.lower(): value for name, value in request["headers"].items()}
    if isinstance(body, dict):
        form = {k: str(v) for k, v in body.items()}
    elif headers.get("content-type", "").startswith("application/x-www-form"):
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    else:
        form = json_of(body)
    return {"method": request["method"], "path": request["path"], "query": sorted(request["query"]), "form": form,
            "headers": {name: value for name, value in headers.items()
                        if name.startswith("x-amz-") and name not in ("x-amz-date", "x-amz-content-sha256")}}


def received(request):
    url = urlsplit(request["target"])
    return normal({**request, "path": url.path, "query": parse_qsl(url.query, keep_blank_values=True)})


def expected(serializer, operation, theirs):
    request = serializer.serialize_to_request(theirs, operation)
    path, _, fixed = request["url_path"].partition("?")
    query = parse_qsl(fixed, keep_blank_values=True)
    given = request["query_string"]
    for name, value in (given.items() if isinstance(given, dict) else given):
        query += [(name, text) for text in (value if isinstance(value, list) else [value])]
    return normal({**request, "path": path, "query": [(name, str(value)) for name, value in query]})


def xml_answer(shape, seen=()):
    """The inside of an element of this shape, with two of each."""
    kind = shape.type_name
    if kind == "structure":
        if shape.name in seen:
            return ""
        parts = []
        for name, member in shape.members.items():
            inside = xml_answer(member, seen + (shape.name,))
            wire = member.serialization.get("name", name)
            parts.append(f"<{wire}>{inside}</{wire}>")
            if getattr(shape, "is_tagged_union", False):
                break
        return "".join(parts)
    if kind == "list":
        wire = shape.member.serialization.get("name", "member")
        inside = xml_answer(shape.member, seen)
        return f"<{wire}>{inside}</{wire}>" * 2
    if kind == "map":
        key, value = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
        return "".join(f"<entry><{key}>{name}</{key}><{value}>{xml_answer(shape.value, seen)}</{value}></entry>"
                       for name in ("Key", "key 2"))
    return {"timestamp": ISO, "blob": base64.b64encode(b"\0bytes").decode(), "boolean": "true", "integer": "7", "long": "7",
            "double": "1.5", "float": "1.5"}.get(kind, escape(TEXT))


def texts(value):
    """What botocore made of an answer, with texts in place of what it has types for."""
    if isinstance(value, dict):
        # where a structure would go on without end it is empty, and nobody can tell what it was
        return {k: texts(v) for k, v in value.items() if k != "ResponseMetadata"} or ""
    if isinstance(value, list):
        return [texts(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return ISO
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def answer_for(operation, protocol):
    """(headers, body) of an answer, and what is expected of it: a dictionary that the answer has, or has among others."""
    output = operation.output_shape
    if protocol in ("query", "ec2"):
        inside = xml_answer(output) if output else ""
        if protocol == "query":
            wrapper = output.serialization.get("resultWrapper") if output else None
            inside = (f"<{wrapper}>{inside}</{wrapper}>" if wrapper else inside) + \
                "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata>"
        else:
            inside = "<requestId>id</requestId>" + inside
        body = f'<{operation.name}Response xmlns="http://x/">\n{inside}</{operation.name}Response>'.encode()
        parsed = parsers.create_parser(protocol).parse({"status_code": 200, "headers": {}, "body": body}, output)
        return ({}, body), texts(parsed) or {}
    headers, wanted = {}, {}
    for name, member in (output.members.items() if output else ()):
        if member.serialization.get("location") == "header":
            headers[member.serialization["name"]] = wanted[name] = "a header"
        elif member.serialization.get("location") == "statusCode":
            wanted[name] = 200
    if output and output.serialization.get("payload"):
        wanted[output.serialization["payload"]] = {"of": "the body"}
        return (headers, b'{"of": "the body"}'), wanted
    return (headers, b'{"member": [1, 2.50, "x"]}'), {"member": [1, 2.5, "x"], **wanted}


def report(name, count, failures):
    for failure in failures[:5]:
        print(f"{name}: {failure}"[:3000], file=sys.stderr)
    print(f"{'not ok' if failures else 'ok'} {name}: {count} compared" + (f", {len(failures)} differ" if failures else ""))


def check_actions(oracle, service, name):
    model, protocol = oracle.model(service)
    serializer = serialize.create_serializer(protocol, include_validation=False)
    cases = []
    Sink.requests.clear()
    Sink.answers.clear()
    for action in model.operation_names:
        operation = model.operation_model(action)
        if action in STREAMS:
            continue
        both = list(inputs(operation, protocol))
        for ours, theirs in both if operation.idempotent_members else both[:1]:
            answer, wanted = answer_for(operation, protocol)
            Sink.answers.append(answer)
            cases.append((operation, ours, theirs, wanted))
    answers = oracle.calls([("aws_call", name, operation.name, ours) for operation, ours, _, _ in cases])
    requests = list(Sink.requests)
    failures, bad_answers = [], []
    if len(requests) != len(cases):
        failures.append(f"{len(requests)} requests for {len(cases)} calls")
    for (operation, ours, theirs, wanted), request, answer in zip(cases, requests, answers):
        got, want = received(request), expected(serializer, operation, theirs)
        tokens = [member for member in operation.idempotent_members if "oken" in member and member not in theirs]
        for token in tokens:
            wire = operation.input_shape.members[token].serialization.get("name", token)
            if len(got["form"].pop(token, "") or dict(got["query"]).get(wire, "")) != 36:
                failures.append(f"{operation.name}: no {token}")
            got["query"] = [pair for pair in got["query"] if pair[0] != wire]
        if got != want:
            failures.append(f"{operation.name} {json.dumps(ours)}\n  sent     {got}\n  expected {want}")
        got = json.loads(answer)
        if got != wanted:
            bad_answers.append(f"{operation.name}\n  answered {got}\n  expected {wanted}")
    report(f"requests of {name}", len(cases), failures)
    report(f"answers of {name}", len(answers), bad_answers)


def nested(path, value):
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


def check_pages(oracle, service, name):
    """Each action that botocore can follow: two pages, the second asked for with the first's token."""
    try:
        paginators = oracle.loader.load_service_model(service, "paginators-1")["pagination"]
    except botocore.exceptions.UnknownServiceError:
        return
    model, protocol = oracle.model(service)
    cases, failures = [], []
    Sink.requests.clear()
    Sink.answers.clear()
    for action, facts in paginators.items():
        if action not in model.operation_names or not isinstance(facts["output_token"], str):
            continue
        output = facts["output_token"]
        token = {"id": {"S": "1"}} if output == "LastEvaluatedKey" else "token 1"
        for page in (nested(output, token), {}):
            content = json.dumps(page).encode()
            if protocol in ("query", "ec2"):
                inside = xml_page(page, protocol)
                if protocol == "query":
                    inside = f"<{action}Result>{inside}</{action}Result>"
                content = f"<{action}Response>{inside}</{action}Response>".encode()
            Sink.answers.append(({}, content))
        operation = model.operation_model(action)
        ours = list(inputs(operation, protocol))[-1][0]
        cases.append((operation, facts["input_token"], token, ours))
    oracle.calls([("aws_pages", name, operation.name, ours) for operation, _, _, ours in cases])
    for i, (operation, member, token, _) in enumerate(cases):
        if len(Sink.requests) < 2 * i + 2:
            failures.append(f"{operation.name}: no second page")
            break
        got = received(Sink.requests[2 * i + 1])
        shape = operation.input_shape.members[member]
        wire = shape.serialization.get("name", member)
        found = got["form"].get(member) or dict(got["query"]).get(wire)
        if found != token:
            failures.append(f"{operation.name}: {member} is {found}")
    report(f"pages of {name}", len(cases), failures)


def xml_page(page, protocol):
    return "".join(f"<{name[0].lower() + name[1:] if protocol == 'ec2' else name}>"
                   f"{xml_page(value, protocol) if isinstance(value, dict) else value}"
                   f"</{name[0].lower() + name[1:] if protocol == 'ec2' else name}>" for name, value in page.items())


def check_table(oracle):
    """The names that are known are those of this list."""
    done = subprocess.run(oracle.psql, input="SET etl.aws_server = 'call_oracle'; SELECT etl.aws_call('none', 'None');",
                          capture_output=True, text=True)
    known = done.stderr.partition("Known are ")[2].partition(".")[0].split(", ")
    report("table of services", len(known), [] if sorted(known) == sorted(SERVICES.values()) else [str(known)])


def check_nonsense(oracle):
    """Answers that are none: an error that says so, and nothing of what it got, which may have been a secret."""
    canary = "canaryAnswer"
    calls = [("sqs", "ListQueues", f"{canary} is no JSON"), ("sqs", "ListQueues", f'{{"{canary}": "\\u0000"}}'),
             ("sqs", "ListQueues", f'{{"{canary}": "a\0b"}}'), ("iam", "ListUsers", f"<html>{canary}</html>"),
             ("iam", "ListUsers", f"<!DOCTYPE x [<!ENTITY e '{canary}'>]><x>&e;</x>"), ("iam", "ListUsers", ""),
             ("ec2", "DescribeVpcs", f"<DescribeVpcsResponse><a>{canary}"), ("batch", "ListJobs", f"[{canary}")]
    failures = []
    for service, action, content in calls:
        Sink.answers[:] = [({}, content.encode())]
        done = subprocess.run(oracle.psql + ["-v", "VERBOSITY=verbose"], capture_output=True, text=True,
                              input=f"SET etl.aws_server = 'call_oracle'; SELECT etl.aws_call('{service}', '{action}');")
        if "unexpected answer" not in done.stderr or canary in done.stderr + done.stdout:
            failures.append(f"{content}: {done.stderr} {done.stdout}")
    report("answers that make no sense", len(calls), failures)


def check_unknown_pages(oracle):
    """More pages that can't be asked for are an error, not an end."""
    failures = []
    for page in ({"NextThing": "x"}, {"HasMoreThings": True}, {"IsTruncated": True}):
        Sink.answers[:] = [({}, json.dumps(page).encode())]
        done = subprocess.run(oracle.psql, capture_output=True, text=True,
                              input="SET etl.aws_server = 'call_oracle'; SELECT etl.aws_pages('sqs', 'ListQueues');")
        if "can't be followed" not in done.stderr:
            failures.append(f"{page}: {done.stderr} {done.stdout}")
    report("pages of an unknown kind", 3, failures)


def main():
    oracle = Oracle(sys.argv[1:])
    oracle.set_up()
    check_table(oracle)
    check_nonsense(oracle)
    check_unknown_pages(oracle)
    for service, name in SERVICES.items():
        check_actions(oracle, service, name)
        check_pages(oracle, service, name)


main()
