"""The Redshift Data API (JSON 1.1, RedshiftData.*) over a real PostgreSQL.

Statements run in threads of their own, a connection each; a batch is one transaction. With SecretArn the login is
what moto's Secrets Manager holds under that name, with DbUser that role; Database chooses the database. Not served:
sessions, ListTables and the other catalogue calls.
"""
import json
import re
import threading
import time
import uuid
from datetime import date, datetime, time as time_of_day
from decimal import Decimal

import psycopg
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.secretsmanager.models import secretsmanager_backends

from errors import AwsError

PAGE = 1000
PARAMETER = re.compile(r"('(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|::)|:([A-Za-z_]\w*)")
PARAMETERS_OF = {"ExecuteStatement": {"Sql", "Parameters"}, "BatchExecuteStatement": {"Sqls", "Parameters"}}
COMMON = {"ClusterIdentifier", "WorkgroupName", "Database", "DbUser", "SecretArn", "StatementName", "WithEvent",
          "ClientToken", "ResultFormat"}


def _invalid(message):
    return AwsError(400, "ValidationException", message)


class Statement:
    """One execution: of one statement, or of a batch of them."""

    def __init__(self, sqls, request, batch):
        self.id = str(uuid.uuid4())
        self.sqls, self.request, self.batch = sqls, request, batch
        self.status, self.error = "SUBMITTED", None
        self.created_at = self.updated_at = time.time()
        self.started = None
        self.pid = 0
        self.connection = None
        self.cancelled = False
        self.results = []  # one a statement: (columns or None, rows or count)

    def describe(self):
        names = ("ClusterIdentifier", "WorkgroupName", "Database", "DbUser", "SecretArn")
        answer = {name: self.request[name] for name in names if name in self.request}
        answer.update(Id=self.id, Status=self.status, CreatedAt=round(self.created_at, 3),
                      UpdatedAt=round(self.updated_at, 3), RedshiftQueryId=0, QueryString="; ".join(self.sqls),
                      RedshiftPid=self.pid,
                      Duration=int((self.updated_at - (self.started or self.updated_at)) * 1e9),
                      HasResultSet=False, ResultRows=-1, ResultSize=0)
        if self.error:
            answer["Error"] = self.error
        if self.batch:
            answer["SubStatements"] = [self._describe_part(number, sql) for number, sql in enumerate(self.sqls, 1)]
        elif self.status == "FINISHED":
            answer.update(_describe_result(self.results[0]))
        return answer

    def _describe_part(self, number, sql):
        done = number <= len(self.results)
        status = "FINISHED" if done else "FAILED" if self.error and number == len(self.results) + 1 else \
            "ABORTED" if self.status in ("FAILED", "ABORTED") else self.status
        part = {"Id": f"{self.id}:{number}", "QueryString": sql, "Status": status, "HasResultSet": False,
                "CreatedAt": round(self.created_at, 3), "UpdatedAt": round(self.updated_at, 3)}
        if done:
            part.update(_describe_result(self.results[number - 1]))
        if status == "FAILED":
            part["Error"] = self.error
        return part


def _describe_result(result):
    columns, rows = result
    if columns is None:
        return {"HasResultSet": False, "ResultRows": rows, "ResultSize": 0}
    return {"HasResultSet": True, "ResultRows": len(rows), "ResultSize": len(json.dumps(rows, default=str))}


class DataApi:
    def __init__(self, dsn):
        self._dsn = dsn
        self._lock = threading.Lock()
        self._statements = {}
        self._tokens = {}

    def perform(self, request):
        """(status, headers, body)"""
        operation = getattr(self, "_do_" + re.sub(r"(?<!^)([A-Z])", r"_\1", request.action).lower(), None)
        if operation is None:
            raise AwsError(400, "UnknownOperationException", f"no operation {request.action}")
        if self._dsn is None:
            raise AwsError(500, "InternalServerException", "the test server was started without --redshift-dsn")
        answer = operation(request.json_body())
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()

    def _do_execute_statement(self, body):
        sql = body.get("Sql")
        if not isinstance(sql, str) or not sql:
            raise _invalid("Value null at 'sql' failed to satisfy constraint: Member must not be null")
        return self._submit("ExecuteStatement", [sql], body)

    def _do_batch_execute_statement(self, body):
        sqls = body.get("Sqls")
        if not isinstance(sqls, list) or not 1 <= len(sqls) <= 40:
            raise _invalid("Member must have length greater than or equal to 1 and at most 40: sqls")
        return self._submit("BatchExecuteStatement", sqls, body)

    def _submit(self, action, sqls, body):
        unknown = set(body) - COMMON - PARAMETERS_OF[action]
        if unknown:
            raise _invalid(f"not supported by the test server: {', '.join(sorted(unknown))}")
        if ("ClusterIdentifier" in body) == ("WorkgroupName" in body):
            raise _invalid("Either ClusterIdentifier or WorkgroupName must be given, and not both.")
        parameters = {p["name"]: p["value"] for p in body.get("Parameters", ())}
        statement = Statement(sqls, body, batch=action == "BatchExecuteStatement")
        token = body.get("ClientToken")
        with self._lock:
            if token in self._tokens:
                statement = self._tokens[token]
            else:
                self._statements[statement.id] = statement
                if token:
                    self._tokens[token] = statement
                threading.Thread(target=self._run, args=(statement, parameters), daemon=True).start()
        names = ("ClusterIdentifier", "WorkgroupName", "Database", "DbUser", "SecretArn")
        return {"Id": statement.id, "CreatedAt": round(statement.created_at, 3),
                **{name: body[name] for name in names if name in body}}

    def _login(self, body):
        options = {}
        if "Database" in body:
            options["dbname"] = body["Database"]
        if "DbUser" in body:
            options["user"] = body["DbUser"]
        if "SecretArn" in body:
            region = body["SecretArn"].split(":")[3] if body["SecretArn"].startswith("arn:") else "us-east-1"
            value = secretsmanager_backends[ACCOUNT][region].get_secret_value(body["SecretArn"], "", "AWSCURRENT")
            secret = json.loads(value["SecretString"])
            options.update(user=secret["username"], password=secret["password"])
        return options

    def _run(self, statement, parameters):
        try:
            with psycopg.connect(self._dsn, **self._login(statement.request)) as connection:
                with self._lock:
                    if statement.cancelled:
                        raise psycopg.errors.QueryCanceled
                    statement.connection, statement.pid = connection, connection.info.backend_pid
                    statement.started, statement.status = time.time(), "STARTED"
                connection.autocommit = not statement.batch
                for sql in statement.sqls:
                    statement.results.append(_execute(connection, sql, parameters))
            outcome, error = "FINISHED", None
        except psycopg.errors.QueryCanceled as canceled:
            outcome, error = ("ABORTED", None) if statement.cancelled else ("FAILED", f"ERROR: {canceled}")
        except Exception as failure:  # what the server or the login said is the statement's outcome
            primary = getattr(getattr(failure, "diag", None), "message_primary", None)
            outcome, error = "FAILED", f"ERROR: {primary or failure}"
        with self._lock:
            statement.status, statement.error = outcome, error
            statement.updated_at = time.time()

    def _find(self, body):
        identifier, _, number = str(body.get("Id", "")).partition(":")
        with self._lock:
            statement = self._statements.get(identifier)
        if statement is None:
            raise AwsError(400, "ResourceNotFoundException", "Query does not exist.")
        return statement, int(number) if number else None

    def _do_describe_statement(self, body):
        return self._find(body)[0].describe()

    def _do_cancel_statement(self, body):
        statement, _ = self._find(body)
        with self._lock:
            if statement.status not in ("SUBMITTED", "STARTED"):
                raise _invalid(f"Could not cancel a query that is already in {statement.status} state.")
            statement.cancelled = True
            if statement.connection:
                statement.connection.cancel()
        return {"Status": True}

    def _do_list_statements(self, body):
        wanted = body.get("Status", "ALL")
        with self._lock:
            statements = sorted(self._statements.values(), key=lambda s: s.created_at, reverse=True)
        return {"Statements": [
            {"Id": s.id, "QueryString": s.sqls[0], "QueryStrings": s.sqls, "Status": s.status,
             "CreatedAt": round(s.created_at, 3), "UpdatedAt": round(s.updated_at, 3), "IsBatchStatement": s.batch,
             "StatementName": s.request.get("StatementName", "")}
            for s in statements
            if wanted in ("ALL", s.status) and s.request.get("StatementName", "").startswith(
                body.get("StatementName", ""))][:body.get("MaxResults", 100)]}

    def _do_get_statement_result(self, body):
        statement, number = self._find(body)
        if statement.batch and number is None:
            raise _invalid("the Id of a sub-statement is needed")
        if statement.status != "FINISHED" or not 1 <= (number or 1) <= len(statement.results):
            raise AwsError(400, "ResourceNotFoundException",
                           "Query result is not available: the query is not finished.")
        columns, rows = statement.results[(number or 1) - 1]
        if columns is None:
            raise AwsError(400, "ResourceNotFoundException", "Query does not have result. Please check query status.")
        first = int(body.get("NextToken") or 0)
        answer = {"ColumnMetadata": columns, "TotalNumRows": len(rows),
                  "Records": [[_field(value) for value in row] for row in rows[first:first + PAGE]]}
        if first + PAGE < len(rows):
            answer["NextToken"] = str(first + PAGE)
        return answer


def _execute(connection, sql, parameters):
    """(columns, rows) of a query, (None, affected rows) of anything else."""
    def substitute(found):
        if found[1]:
            return found[1].replace("%", "%%")
        if found[2] not in parameters:
            raise ValueError(f"parameter {found[2]} has no value")
        return f"%({found[2]})s"
    with connection.cursor() as cursor:
        if parameters:
            # outside of quotes and comments a percent sign is psycopg's to be doubled, too
            pieces, end = [], 0
            for found in PARAMETER.finditer(sql):
                pieces += [sql[end:found.start()].replace("%", "%%"), substitute(found)]
                end = found.end()
            cursor.execute("".join(pieces) + sql[end:].replace("%", "%%"), parameters)
        else:
            cursor.execute(sql)
        if cursor.description is None:
            return None, cursor.rowcount
        columns = [{"name": c.name, "label": c.name, "typeName": connection.adapters.types[c.type_code].name
                    if connection.adapters.types.get(c.type_code) else "varchar", "nullable": 1,
                    "precision": c.precision or 0, "scale": c.scale or 0, "length": c.internal_size or 0,
                    "isCaseSensitive": False, "isCurrency": False, "isSigned": False, "schemaName": "",
                    "tableName": "", "columnDefault": None} for c in cursor.description]
        return columns, cursor.fetchall()


def _field(value):
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, (date, datetime, time_of_day, Decimal)):
        return {"stringValue": str(value)}
    return {"stringValue": value if isinstance(value, str) else json.dumps(value, default=str)}
