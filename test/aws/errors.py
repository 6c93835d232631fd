"""AWS's error answers, in the shape of the protocol the request speaks.

S3 answers <Error>, the query protocol (SNS, STS, IAM) <ErrorResponse>, the JSON protocols {"__type", "message"}.
The same refusal has another code and status in each of them; REFUSALS is that table.
"""
import json
import uuid
from xml.sax.saxutils import escape

MISMATCH = "The request signature we calculated does not match the signature you provided. "
MISMATCH_OTHER = MISMATCH + ("Check your AWS Secret Access Key and signing method. Consult the service documentation "
                             "for details.")
INVALID_TOKEN = "The security token included in the request is invalid."
EXPIRED_TOKEN = "The security token included in the request is expired"

# refusal: (status, code, message) for s3, for the JSON protocols, for the query protocol
REFUSALS = {
    "unsigned": ((403, "AccessDenied", "Access Denied"),
                 (400, "MissingAuthenticationTokenException", "Missing Authentication Token"),
                 (403, "MissingAuthenticationToken", "Request is missing Authentication Token")),
    "malformed": ((400, "AuthorizationHeaderMalformed", "The authorization header is malformed; {detail}"),
                  (400, "IncompleteSignatureException", "Authorization header is malformed: {detail}"),
                  (400, "IncompleteSignature", "Authorization header is malformed: {detail}")),
    "unknown_key": ((403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
                    (400, "UnrecognizedClientException", INVALID_TOKEN),
                    (403, "InvalidClientTokenId", INVALID_TOKEN)),
    "bad_token": ((400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
                  (400, "UnrecognizedClientException", INVALID_TOKEN),
                  (403, "InvalidClientTokenId", INVALID_TOKEN)),
    "expired_token": ((400, "ExpiredToken", "The provided token has expired."),
                      (400, "ExpiredTokenException", EXPIRED_TOKEN),
                      (403, "ExpiredToken", EXPIRED_TOKEN)),
    "signature": ((403, "SignatureDoesNotMatch", MISMATCH + "Check your key and signing method."),
                  (400, "InvalidSignatureException", MISMATCH_OTHER),
                  (403, "SignatureDoesNotMatch", MISMATCH_OTHER)),
    "skew": ((403, "RequestTimeTooSkewed",
              "The difference between the request time and the current time is too large."),
             (400, "InvalidSignatureException", "Signature expired: {detail}"),
             (403, "SignatureDoesNotMatch", "Signature expired: {detail}")),
    "denied": ((403, "AccessDenied", "{detail}"),
               (400, "AccessDeniedException", "{detail}"),
               (403, "AccessDenied", "{detail}")),
}


class AwsError(Exception):
    """An answer that refuses the request; extra are further elements of S3's <Error>."""

    def __init__(self, status, code, message, extra=None, headers=None):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message
        self.extra, self.headers = extra or {}, headers or {}


def refusal(request, kind, detail="", extra=None, headers=None):
    protocol = 0 if request.service == "s3" else 1 if request.is_json or request.is_rest else 2
    status, code, message = REFUSALS[kind][protocol]
    if request.is_rest and status == 400:
        status = 403
    if kind == "denied" and request.service == "sns":
        code = "AuthorizationError"
    return AwsError(status, code, message.format(detail=detail), extra, headers)


def render(request, error, request_id):
    """(headers, body) of an error answer."""
    headers = dict(error.headers)
    if request.service == "s3":
        elements = {"Code": error.code, "Message": error.message, **error.extra,
                    "RequestId": request_id, "HostId": uuid.uuid5(uuid.NAMESPACE_OID, request_id).hex}
        body = '<?xml version="1.0" encoding="UTF-8"?>\n<Error>%s</Error>' % "".join(
            f"<{name}>{escape(str(value))}</{name}>" for name, value in elements.items())
        headers.setdefault("Content-Type", "application/xml")
    elif request.is_rest:
        body = json.dumps({"message": error.message})
        headers.setdefault("Content-Type", "application/json")
        headers.setdefault("x-amzn-ErrorType", error.code)
    elif request.is_json:
        # the services' own denials spell it Message
        name = "Message" if error.code == "AccessDeniedException" else "message"
        body = json.dumps({"__type": error.code, name: error.message})
        headers.setdefault("Content-Type", request.headers.get("Content-Type", "application/x-amz-json-1.1"))
    else:
        body = ("<ErrorResponse><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error>"
                "<RequestId>%s</RequestId></ErrorResponse>" %
                ("Sender" if error.status < 500 else "Receiver", escape(error.code), escape(error.message),
                 request_id))
        headers.setdefault("Content-Type", "text/xml")
    return headers, body.encode()
