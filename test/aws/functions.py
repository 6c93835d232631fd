"""Lambda's Invoke: runs the Python function that moto keeps, in this process, as Lambda would in one of its own.

moto runs functions in Docker or not at all. Functions are tests' own, so nothing keeps them from anything here. Invocations of
type Event are run and answered with 202 and nothing; a failure is a success with X-Amz-Function-Error.
"""
import base64
import io
import json
import traceback
import zipfile
from urllib.parse import unquote

from moto.awslambda.models import lambda_backends
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT

from errors import AwsError

LOG_SIZE = 4096


def invoke(request):
    """(status, headers, body)"""
    name = unquote(request.raw_path.split("/")[3])
    qualifier = dict(request.query).get("Qualifier")
    function = _find(request.region, name.rpartition(":function:")[2], qualifier)
    kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
    if kind == "DryRun":
        return 204, {}, b""
    try:
        event = json.loads(request.body or b"{}")
    except ValueError as error:
        raise AwsError(400, "InvalidRequestContentException", f"Could not parse request body into json: {error}") from None
    headers = {"X-Amz-Executed-Version": "$LATEST", "Content-Type": "application/json"}
    try:
        answer, log = _run(function, event), "END"
    except Exception as error:
        headers["X-Amz-Function-Error"] = "Unhandled"
        answer, log = {"errorMessage": str(error), "errorType": type(error).__name__}, traceback.format_exc()
    if kind == "Event":
        return 202, {}, b""
    if request.headers.get("X-Amz-Log-Type") == "Tail":
        headers["X-Amz-Log-Result"] = base64.b64encode(log.encode()[-LOG_SIZE:]).decode()
    return 200, headers, json.dumps(answer).encode()


def _find(region, name, qualifier):
    name, _, version = name.partition(":")
    try:
        return lambda_backends[ACCOUNT][region].get_function(name, qualifier or version or None)
    except Exception:
        raise AwsError(404, "ResourceNotFoundException",
                       f"Function not found: arn:aws:lambda:{region}:{ACCOUNT}:function:{name}") from None


def _run(function, event):
    module, _, handler = function.handler.rpartition(".")
    with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
        code = archive.read(module + ".py")
    scope = {}
    exec(compile(code, module + ".py", "exec"), scope)
    return scope[handler](event, None)
