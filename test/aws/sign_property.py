#!/usr/bin/env python3
"""Compares our Signature V4 with botocore's, which has none of our code, on random requests.

    sign_property.py DRIVER [COUNT [SEED]]

DRIVER is sign_driver.c, built. Prints a TAP line for each kind of request; what differs first is shown with the request
itself, the seed repeats it. The keys are random too, so they can be shown.

What is compared: the path as it is sent, the query string, the canonical request, the signature, and what else goes with
the request. Keys come from an alphabet of what is easily spoilt. What we refuse before anything is signed (control
characters) is not part of it. Blanks of Unicode are in no header: botocore takes them for blanks and folds them, AWS
documents that for spaces.
"""
import datetime
import json
import random
import subprocess
import sys
from urllib.parse import quote, urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import percent_encode

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ODD = " +%=&?#/.~*'\"!()[]{}<>|\\^`:;,@$-_"
WIDE = "\u00e9\u00df\u0416\u4e2d\u0a95\u200b\u2028\uffee\U0001f600\U0010fffd\u0301\u00a0"
SEGMENTS = ["", ".", "..", "...", "a", "%2F", "%2e%2e", "+", " ", "year=2016", "a b", "\u00e9", "e\u0301", "%", "%41", "~", "a//b"]
SERVICES = ["sns", "sts", "secretsmanager", "glue", "lambda", "execute-api", "es", "states"]
REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "ap-southeast-2"]


def text(rng, longest, shortest=0):
    alphabet = rng.choice([LETTERS, LETTERS + ODD, ODD, ODD + WIDE, LETTERS + ODD + WIDE])
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(shortest, longest)))


def key(rng):
    """1 to 1024 bytes of UTF-8."""
    kind = rng.random()
    if kind < 0.4:
        made = "/".join(rng.choice(SEGMENTS) for _ in range(rng.randint(1, 8)))
    elif kind < 0.95:
        made = text(rng, 60)
    else:
        made = text(rng, 1024, 500)
    made += rng.choice(["", "", "", "/", "//", "/.", "/.."])
    made = made.encode()[:1024].decode(errors="ignore")
    return made or "k"


def query(rng):
    pairs = []
    for _ in range(rng.choice([0, 0, 1, 2, 3, 8])):
        name = rng.choice(["prefix", "list-type", "uploads", "partNumber", "X-Amz-Meta", "a", "A", "a b", text(rng, 12, 1)])
        pairs.append([name, rng.choice(["", "2", "a", "A", key(rng), text(rng, 40)])])
    if pairs and rng.random() < 0.2:
        pairs.append([pairs[0][0], text(rng, 10)])
    return pairs


def headers(rng):
    made = []
    for _ in range(rng.choice([0, 1, 2, 5])):
        name = rng.choice(["Range", "If-Match", "x-amz-meta-" + text(rng, 6, 1).encode("punycode").hex(), "X-Amz-Copy-Source",
                           "Content-Type", "x-amz-request-payer", "x-amz-meta-a", "X-AMZ-Meta-A", "Content-MD5"])
        value = rng.choice(["", "bytes=0-9", '"etag"', "a  b   c", "  led", "trailed  ", " \t both\t ", "tab\tin",
                            " ", ",", "a,b", text(rng, 30).replace("\u00a0", "").replace("\u2028", "")])
        made.append([name, value])
    return made


def request(rng, kind):
    s3 = kind.startswith("s3")
    made = {
        "access_key_id": "AKIA" + text(rng, 16, 16).encode().hex()[:16].upper(),
        "secret_access_key": "".join(rng.choice(LETTERS + "/+=") for _ in range(40)),
        "session_token": rng.choice([None, "".join(rng.choice(LETTERS + "/+=") for _ in range(rng.randint(1, 400)))]),
        "region": rng.choice(REGIONS),
        "service": "s3" if s3 else rng.choice(SERVICES),
        "timestamp": (datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=rng.randrange(2**31))).strftime("%Y%m%dT%H%M%SZ"),
        "method": rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD"]),
        "prefix": rng.choice(["/", "/my-bucket/", "/dotted.bucket/"]) if s3 else "/",
        "key": key(rng) if s3 or rng.random() < 0.7 else "",
        "query": query(rng),
        "headers": [["Host", rng.choice(["s3.amazonaws.com", "my-bucket.s3.eu-central-1.amazonaws.com", "127.0.0.1:9000",
                                         "[::1]:9000", "localhost:80"])]] + headers(rng),
        "body": rng.choice(["", "", "{}", text(rng, 200)]),
    }
    if kind.endswith("query"):
        made["expires"] = rng.randint(1, 7 * 24 * 3600)
        # botocore makes a dictionary of the query, and signs no headers that a URL's holder could not know of
        made["query"] = [list(pair) for pair in dict(map(tuple, made["query"])).items()]
        made["headers"] = made["headers"][:1]
        made["body"] = ""
    return made


def botocore_signs(made):
    """What botocore makes of the same request: path, query, canonical request, signature, added headers."""
    moment = datetime.datetime.strptime(made["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda *arguments, **named: moment
    s3, in_query = made["service"] == "s3", "expires" in made
    credentials = Credentials(made["access_key_id"], made["secret_access_key"], made["session_token"])
    # percent_encode is what botocore's serializers put keys into paths with
    path = made["prefix"] + percent_encode(made["key"], safe="/~")
    sent = AWSRequest(made["method"], "http://" + made["headers"][0][1] + path, data=made["body"].encode())
    for name, value in made["headers"]:
        sent.headers.add_header(name, value)
    kinds = {(True, True): botocore.auth.S3SigV4QueryAuth, (False, True): botocore.auth.SigV4QueryAuth,
             (True, False): botocore.auth.S3SigV4Auth, (False, False): botocore.auth.SigV4Auth}
    extra = {"expires": made["expires"]} if in_query else {}
    signer = kinds[s3, in_query](credentials, made["service"], made["region"], **extra)
    seen = {}
    original = signer.canonical_request

    def canonical_request(signed):
        seen["canonical"] = original(signed)
        return seen["canonical"]

    signer.canonical_request = canonical_request
    if in_query:
        sent.params = dict(map(tuple, made["query"]))
    else:
        sent.params = [tuple(pair) for pair in made["query"]]
    signer.add_auth(sent)
    result = {"path": path, "canonical": seen["canonical"]}
    if in_query:
        result["query"], _, result["signature"] = urlsplit(sent.url).query.partition("&X-Amz-Signature=")
        # the same pairs; ours are sorted
        result["query"] = "&".join(sorted(result["query"].split("&")))
        result["headers"] = {}
    else:
        result["query"] = seen["canonical"].split("\n")[2]
        result["signature"] = sent.headers["Authorization"].rpartition("=")[2]
        result["headers"] = {name.lower(): sent.headers[name]
                             for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-SHA256")
                             if name in sent.headers}
    return result


def compare(made, ours):
    """None, or what differs."""
    theirs = botocore_signs(made)
    ours = dict(ours, headers={name.lower(): value for name, value in ours["headers"].items()})
    if "expires" in made:
        ours["query"], _, signature = ours["query"].partition("&X-Amz-Signature=")
        if signature != ours["signature"]:
            return "the signature in the query string is not the signature"
        ours["query"] = "&".join(sorted(ours["query"].split("&")))
    for part in ("path", "query", "canonical", "signature", "headers"):
        if ours[part] != theirs[part]:
            return f"{part}:\n#   ours     {ours[part]!r}\n#   botocore {theirs[part]!r}"
    # What is signed is what is sent: S3 takes the path as it comes, others encode it again after resolving its dots.
    signed_path = ours["canonical"].split("\n")[1]
    if made["service"] == "s3" and signed_path != ours["path"]:
        return f"path {ours['path']!r} is sent, {signed_path!r} is signed"
    if quote(ours["path"], safe="/~%-._") != ours["path"]:
        return f"path {ours['path']!r} can't be in a request line"
    return None


def main():
    driver = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(2**32)
    rng = random.Random(seed)
    kinds = ["s3", "other", "s3-query", "other-query"]
    print(f"# seed {seed}")
    requests = [(kinds[i % len(kinds)], request(rng, kinds[i % len(kinds)])) for i in range(count)]
    run = subprocess.run([driver], input="".join(json.dumps(made) + "\n" for _, made in requests),
                         capture_output=True, text=True, encoding="utf-8")
    answers = run.stdout.split("\n")[:-1]
    print(f"{'' if run.returncode == 0 and run.stderr == '' and len(answers) == count else 'not '}ok 1 - {count} requests are signed")
    if run.stderr or len(answers) != count:
        print(f"# {len(answers)} answers: {run.stderr!r}")
        sys.exit(1)
    bad = {kind: [] for kind in kinds}
    for (kind, made), line in zip(requests, answers):
        difference = compare(made, json.loads(line))
        if difference is not None:
            bad[kind].append((made, difference))
    for number, kind in enumerate(kinds, 2):
        total = sum(1 for other, _ in requests if other == kind)
        print(f"{'not ' if bad[kind] else ''}ok {number} - {total} requests, {kind}: as botocore signs them")
        if bad[kind]:
            made, difference = bad[kind][0]
            print(f"# {len(bad[kind])} differ, the first in {difference}\n#   request  {json.dumps(made)}")
    print(f"1..{len(kinds) + 1}")


if __name__ == "__main__":
    main()
