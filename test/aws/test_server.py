"""Tests of the AWS test server, with boto3 as the client: `python -m unittest` in this folder, or run this file.

ETL_TEST_DSN names a PostgreSQL for the Redshift Data API's statements; without it those tests are skipped.
"""
import base64
import hashlib
import http.client
import json
import os
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.utils

import checksums
from fixtures import Fixtures

HERE = os.path.dirname(os.path.abspath(__file__))
DSN = os.environ.get("ETL_TEST_DSN")
ClientError = botocore.exceptions.ClientError


class ServerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = tempfile.NamedTemporaryFile(prefix="aws-test-log-")
        command = [os.path.join(HERE, "start"), "--log", cls.log.name]
        cls.process = subprocess.Popen(command + (["--redshift-dsn", DSN] if DSN else []), text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.info = json.loads(cls.process.stdout.readline())
        cls.endpoint = "http://127.0.0.1:%d" % cls.info["port"]
        cls.fixtures = Fixtures(cls.endpoint, cls.info["access_key_id"], cls.info["secret_access_key"])
        cls.s3 = cls.fixtures.client("s3")
        cls.s3.create_bucket(Bucket="lake")

    @classmethod
    def tearDownClass(cls):
        cls.process.stdin.close()  # its end of life
        cls.process.stdout.close()
        assert cls.process.wait(timeout=10) == 0
        cls.log.close()

    def setUp(self):
        self.control("reset")

    def control(self, name, body=None):
        data = json.dumps(body).encode() if body is not None else b""
        request = urllib.request.Request(f"{self.endpoint}/_control/{name}", data, method="POST")
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def fault(self, **fault):
        self.control("faults", [fault])

    def requests(self):
        with urllib.request.urlopen(f"{self.endpoint}/_control/log") as answer:
            return json.load(answer)

    def assertRefused(self, status, code, call, *positional, **arguments):
        with self.assertRaises(ClientError) as caught:
            call(*positional, **arguments)
        answer = caught.exception.response
        self.assertEqual((status, code), (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]))
        return answer

    def user(self, name, *actions, resource="*"):
        policy = {"Version": "2012-10-17",
                  "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]}
        keys = self.fixtures.make_user(name, json.dumps(policy))
        return Fixtures(self.endpoint, keys["access_key_id"], keys["secret_access_key"])

    def raw(self, method, url, body=b"", change=None, host=None):
        """One request signed by botocore, changed after that."""
        request = botocore.awsrequest.AWSRequest(method, url, data=body)
        request.headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
        credentials = botocore.credentials.Credentials(self.info["access_key_id"], self.info["secret_access_key"])
        botocore.auth.S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
        prepared = request.prepare()
        headers = {name: value.decode() if isinstance(value, bytes) else value
                   for name, value in prepared.headers.items()}
        if host:
            headers["Host"] = host
        if change:
            body = change(headers, body)
        connection = http.client.HTTPConnection("127.0.0.1", self.info["port"], timeout=10)
        target = prepared.url.split("/", 3)[3]
        connection.request(method, "/" + target, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text


class S3Test(ServerTest):
    def test_put_get_range_head_list_delete(self):
        for key in ("plain", "dir/year=2024/ü +&=%.csv", "a//b", "end/"):
            with self.subTest(key=key):
                self.s3.put_object(Bucket="lake", Key=key, Body=b"0123456789")
                self.assertEqual(b"0123456789", self.s3.get_object(Bucket="lake", Key=key)["Body"].read())
                part = self.s3.get_object(Bucket="lake", Key=key, Range="bytes=2-4")
                self.assertEqual((b"234", "bytes 2-4/10"), (part["Body"].read(), part["ContentRange"]))
                self.assertEqual(10, self.s3.head_object(Bucket="lake", Key=key)["ContentLength"])
                self.assertIn(key, self.fixtures.list("lake", key[:2]))
                self.s3.delete_object(Bucket="lake", Key=key)
                self.assertRefused(404, "NoSuchKey", self.s3.get_object, Bucket="lake", Key=key)

    def test_uploads_are_listed_with_encoded_keys(self):
        arguments = {"Bucket": "lake", "Key": "a b+c/\u00e9&"}
        upload = self.s3.create_multipart_upload(**arguments)["UploadId"]
        listed = self.s3.list_multipart_uploads(Bucket="lake", EncodingType="url")
        self.assertEqual("url", listed["EncodingType"])
        self.assertIn("a+b%2Bc/%C3%A9%26", [found["Key"] for found in listed["Uploads"]])
        self.s3.abort_multipart_upload(**arguments, UploadId=upload)

    def test_uploads_end_once(self):
        arguments = {"Bucket": "lake", "Key": "ends"}
        upload = self.s3.create_multipart_upload(**arguments)["UploadId"]
        listed = next(found for found in self.s3.list_multipart_uploads(Bucket="lake")["Uploads"]
                      if found["UploadId"] == upload)
        self.assertLess(abs(time.time() - listed["Initiated"].timestamp()), 60)
        etag = self.s3.upload_part(**arguments, UploadId=upload, PartNumber=1, Body=b"1")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        self.s3.complete_multipart_upload(**arguments, UploadId=upload, MultipartUpload=parts)
        for call, more in ((self.s3.complete_multipart_upload, {"MultipartUpload": parts}),
                           (self.s3.abort_multipart_upload, {}),
                           (self.s3.upload_part, {"PartNumber": 2, "Body": b"2"})):
            self.assertRefused(404, "NoSuchUpload", call, **arguments, UploadId=upload, **more)

    def test_checksum_of_a_whole_object(self):
        arguments = {"Bucket": "lake", "Key": "whole"}
        pieces = (b"a" * (5 << 20), b"123456789")
        crc = base64.b64encode(checksums.crc32c(b"".join(pieces)).to_bytes(4, "big")).decode()
        for claimed in ("AAAAAA==", crc):
            upload = self.s3.create_multipart_upload(**arguments, ChecksumAlgorithm="CRC32C",
                                                     ChecksumType="FULL_OBJECT")["UploadId"]
            parts = []
            for number, piece in enumerate(pieces, 1):
                part = base64.b64encode(checksums.crc32c(piece).to_bytes(4, "big")).decode()
                parts.append({"PartNumber": number, "ETag": self.s3.upload_part(
                    **arguments, UploadId=upload, PartNumber=number, Body=piece, ChecksumCRC32C=part)["ETag"]})
            end = {"UploadId": upload, "MultipartUpload": {"Parts": parts}, "ChecksumCRC32C": claimed,
                   "ChecksumType": "FULL_OBJECT"}
            if claimed == crc:
                self.s3.complete_multipart_upload(**arguments, **end)
            else:
                self.assertRefused(400, "BadDigest", self.s3.complete_multipart_upload, **arguments, **end)
        self.assertRefused(400, "BadDigest", self.s3.put_object, **arguments, Body=b"x", ChecksumCRC32C="AAAAAA==")

    def test_copies_of_a_version(self):
        etag = self.s3.put_object(Bucket="lake", Key="source", Body=b"x")["ETag"]
        arguments = {"Bucket": "lake", "Key": "copy", "CopySource": {"Bucket": "lake", "Key": "source"}}
        self.s3.copy_object(**arguments, CopySourceIfMatch=etag)
        self.assertRefused(412, "PreconditionFailed", self.s3.copy_object, **arguments, CopySourceIfMatch='"other"')

    def test_delete_many_key_by_key(self):
        for key in ("many/a", "many/b&c", "kept/a"):
            self.s3.put_object(Bucket="lake", Key=key, Body=b"")
        user = self.user("deleter", "s3:DeleteObject", resource="arn:aws:s3:::lake/many/*").client("s3")
        answer = user.delete_objects(Bucket="lake", Delete={"Quiet": True, "Objects": [
            {"Key": "many/a"}, {"Key": "many/b&c"}, {"Key": "kept/a"}, {"Key": "many/none"}]})
        self.assertEqual([("kept/a", "AccessDenied")], [(error["Key"], error["Code"]) for error in answer["Errors"]])
        self.assertNotIn("Deleted", answer)
        self.assertEqual([], self.fixtures.list("lake", "many/"))
        self.assertEqual(["kept/a"], self.fixtures.list("lake", "kept/"))

    def test_list_pages_and_folders(self):
        for number in range(5):
            self.s3.put_object(Bucket="lake", Key=f"pages/{number}/x", Body=b"")
        first = self.s3.list_objects_v2(Bucket="lake", Prefix="pages/", MaxKeys=3)
        self.assertTrue(first["IsTruncated"])
        rest = self.s3.list_objects_v2(Bucket="lake", Prefix="pages/", ContinuationToken=first["NextContinuationToken"])
        self.assertEqual(5, first["KeyCount"] + rest["KeyCount"])
        folders = self.s3.list_objects_v2(Bucket="lake", Prefix="pages/", Delimiter="/")["CommonPrefixes"]
        self.assertEqual("pages/0/", folders[0]["Prefix"])

    def test_range_beyond_the_end(self):
        self.s3.put_object(Bucket="lake", Key="short", Body=b"abc")
        self.assertRefused(416, "InvalidRange", self.s3.get_object, Bucket="lake", Key="short", Range="bytes=3-")

    def test_conditions(self):
        etag = self.s3.put_object(Bucket="lake", Key="once", Body=b"1", IfNoneMatch="*")["ETag"]
        self.assertRefused(412, "PreconditionFailed", self.s3.put_object, Bucket="lake", Key="once", Body=b"2",
                           IfNoneMatch="*")
        self.assertEqual(b"1", self.s3.get_object(Bucket="lake", Key="once", IfMatch=etag)["Body"].read())
        self.s3.put_object(Bucket="lake", Key="once", Body=b"3")
        self.assertRefused(412, "PreconditionFailed", self.s3.get_object, Bucket="lake", Key="once", IfMatch=etag)
        self.assertRefused(412, "412", self.s3.head_object, Bucket="lake", Key="once", IfMatch=etag)

    def test_multipart_upload(self):
        upload = self.s3.create_multipart_upload(Bucket="lake", Key="parts")["UploadId"]
        parts = [{"PartNumber": n, "ETag": self.s3.upload_part(
            Bucket="lake", Key="parts", UploadId=upload, PartNumber=n, Body=body)["ETag"]}
            for n, body in ((1, b"a" * 5 * 1024 * 1024), (2, b"b"))]
        self.s3.complete_multipart_upload(Bucket="lake", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
        head = self.s3.head_object(Bucket="lake", Key="parts")
        self.assertEqual(5 * 1024 * 1024 + 1, head["ContentLength"])
        self.assertTrue(head["ETag"].endswith('-2"'))

    def test_virtual_host_style(self):
        port = self.info["port"]
        for host in ("lake.localhost:%d" % port, "lake.s3.us-east-1.amazonaws.com", "lake.s3.amazonaws.com"):
            with self.subTest(host=host):
                status, _ = self.raw("PUT", f"http://{host}/virtual/key", b"data", host=host)
                self.assertEqual(200, status)
                self.assertEqual(b"data", self.s3.get_object(Bucket="lake", Key="virtual/key")["Body"].read())
                self.assertEqual(("lake", "virtual/key"), (self.requests()[-2]["bucket"], self.requests()[-2]["key"]))

    def test_what_is_not_what_was_signed_is_refused(self):
        def set_header(name, value):
            return lambda headers, body: headers.update({name: value}) or body
        changes = {
            "SignatureDoesNotMatch": set_header("X-Amz-Date", time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(
                time.time() + 5))),
            "XAmzContentSHA256Mismatch": lambda headers, body: b"other",
            "AccessDenied": set_header("x-amz-storage-class", "STANDARD"),
            "AuthorizationHeaderMalformed": set_header("Authorization", "AWS4-HMAC-SHA256 Credential=x"),
        }
        for code, change in changes.items():
            with self.subTest(code=code):
                status, text = self.raw("PUT", self.endpoint + "/lake/refused", b"data", change)
                self.assertIn(f"<Code>{code}</Code>".encode(), text)
                self.assertIn(status, (400, 403))
        status, text = self.raw("GET", self.endpoint + "/lake/refused",
                                change=lambda headers, body: headers.pop("Authorization") and body)
        self.assertEqual((403, True), (status, b"<Code>AccessDenied</Code>" in text))

    def test_hive_keys_are_signed_encoded(self):
        """S3 signs the decoded path encoded once: `=` sent raw is %3D in what is signed."""
        self.s3.put_object(Bucket="lake", Key="y=1/x", Body=b"hive")
        self.assertEqual((200, b"hive"), self.raw("GET", self.endpoint + "/lake/y%3D1/x"))
        status, text = self.raw("GET", self.endpoint + "/lake/y=1/x")
        self.assertEqual((403, True), (status, b"SignatureDoesNotMatch" in text))

    def test_wrong_region_names_the_right_one(self):
        self.s3.create_bucket(Bucket="europe", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.s3.list_objects_v2(Bucket="europe")  # boto3 asks again, in the region it was told
        self.assertIn(("list", "AuthorizationHeaderMalformed"),
                      [("list" if e["query"] else "other", e["code"]) for e in self.requests()])


class LargeObjectTest(ServerTest):
    SIZE = 6 << 30
    MARK = (1 << 32) + 5

    def setUp(self):
        super().setUp()
        self.control("large", {"bucket": "large", "key": "six", "size": self.SIZE, "marks": {self.MARK: "mark"}})

    def ranged(self, key, first, last):
        return self.s3.get_object(Bucket="large", Key=key, Range=f"bytes={first}-{last}")["Body"].read()

    def test_reading(self):
        head = self.s3.head_object(Bucket="large", Key="six", ChecksumMode="ENABLED")
        self.assertEqual((self.SIZE, "FULL_OBJECT"), (head["ContentLength"], head["ChecksumType"]))
        self.assertEqual(b"\0mark\0", self.ranged("six", self.MARK - 1, self.MARK + 4))
        self.assertEqual(b"\0", self.ranged("six", self.SIZE - 1, self.SIZE + 10))
        self.assertRefused(416, "InvalidRange", self.ranged, "six", self.SIZE, self.SIZE)
        listed = self.s3.list_objects_v2(Bucket="large", Prefix="si")["Contents"]
        self.assertEqual([("six", self.SIZE)], [(item["Key"], item["Size"]) for item in listed])
        self.assertRefused(412, "PreconditionFailed", self.s3.get_object, Bucket="large", Key="six", IfMatch='"x"')
        self.assertRefused(404, "NoSuchKey", self.s3.get_object, Bucket="large", Key="none")

    def test_checksum(self):
        body = bytes(1000) + b"mark" + bytes(5000)
        self.control("large", {"bucket": "large", "key": "small", "size": len(body), "marks": {1000: "mark"}})
        head = self.s3.head_object(Bucket="large", Key="small", ChecksumMode="ENABLED")
        self.assertEqual(base64.b64encode(checksums.crc32c(body).to_bytes(4, "big")).decode(), head["ChecksumCRC32C"])

    def test_what_one_request_may_not(self):
        self.assertRefused(400, "InvalidRequest", self.s3.copy_object, Bucket="large", Key="c", CopySource="large/six")

        def claim(headers, body):
            headers["Content-Length"] = str((5 << 30) + 1)
            return body
        status, text = self.raw("PUT", f"{self.endpoint}/large/put", b"", claim)
        self.assertEqual((400, True), (status, b"<Code>EntityTooLarge<" in text))

    def test_copy_in_parts(self):
        which = {"Bucket": "large", "Key": "copy"}
        etag = self.s3.head_object(Bucket="large", Key="six")["ETag"]
        which["UploadId"] = self.s3.create_multipart_upload(**which)["UploadId"]

        def copy(number, first, last, etag=etag):
            return {"PartNumber": number, "ETag": self.s3.upload_part_copy(
                **which, PartNumber=number, CopySource="large/six", CopySourceIfMatch=etag,
                CopySourceRange=f"bytes={first}-{last}")["CopyPartResult"]["ETag"]}

        def complete(*parts):
            return self.s3.complete_multipart_upload(**which, MultipartUpload={"Parts": parts})
        self.assertRefused(400, "InvalidRequest", copy, 1, 0, 5 << 30)
        self.assertRefused(400, "InvalidArgument", copy, 1, 0, self.SIZE)
        self.assertRefused(400, "InvalidArgument", copy, 10_001, 0, 5)
        self.assertRefused(412, "PreconditionFailed", copy, 1, 0, 5, '"other"')
        parts = [copy(1, 0, (1 << 30) - 1), copy(2, 1 << 30, self.SIZE - 1)]
        self.assertRefused(400, "InvalidPartOrder", complete, *reversed(parts))
        self.assertRefused(400, "InvalidPart", complete, parts[0], {"PartNumber": 2, "ETag": '"x"'})
        self.assertRefused(400, "EntityTooSmall", complete, copy(3, 0, 5), copy(4, 0, 5))
        self.assertEqual(["copy"], [upload["key"] for upload in self.fixtures.uploads("large")])
        complete(*parts)
        self.assertEqual([], self.fixtures.uploads("large"))
        self.assertEqual(self.SIZE, self.s3.head_object(Bucket="large", Key="copy")["ContentLength"])
        self.assertEqual(b"\0mark\0", self.ranged("copy", self.MARK - 1, self.MARK + 4))
        self.assertRefused(404, "NoSuchUpload", complete, *parts)
        stranger = Fixtures(self.endpoint, self.info["access_key_id"], "wrong").client("s3")
        self.assertRefused(403, "SignatureDoesNotMatch", stranger.get_object, Bucket="large", Key="copy")

    def test_source_is_replaced_under_a_copy(self):
        etag = self.s3.head_object(Bucket="large", Key="six")["ETag"]
        which = {"Bucket": "large", "Key": "copy"}
        upload = self.s3.create_multipart_upload(**which)["UploadId"]
        self.control("faults", [{"key": "copy", "do": "replace"}])
        self.assertRefused(412, "PreconditionFailed", self.s3.upload_part_copy, **which, UploadId=upload, PartNumber=1,
                           CopySource="large/six", CopySourceIfMatch=etag, CopySourceRange="bytes=0-9")
        self.s3.abort_multipart_upload(**which, UploadId=upload)


class AccessTest(ServerTest):
    def test_wrong_secret_and_unknown_key(self):
        wrong = Fixtures(self.endpoint, self.info["access_key_id"], "wrong")
        nobody = Fixtures(self.endpoint, "AKIANOBODY", "wrong")
        list_lake = {"Bucket": "lake"}
        self.assertRefused(403, "SignatureDoesNotMatch", wrong.client("s3").list_objects_v2, **list_lake)
        self.assertRefused(403, "InvalidAccessKeyId", nobody.client("s3").list_objects_v2, **list_lake)
        self.assertRefused(403, "SignatureDoesNotMatch", wrong.client("sts").get_caller_identity)
        self.assertRefused(403, "InvalidClientTokenId", nobody.client("sts").get_caller_identity)
        get_secret = {"SecretId": "x"}
        self.assertRefused(400, "InvalidSignatureException", wrong.client("secretsmanager").get_secret_value,
                           **get_secret)
        self.assertRefused(400, "UnrecognizedClientException", nobody.client("secretsmanager").get_secret_value,
                           **get_secret)

    def test_policies(self):
        self.s3.put_object(Bucket="lake", Key="in/x", Body=b"x")
        reader = self.user("reader", "s3:GetObject", resource="arn:aws:s3:::lake/in/*")
        s3 = reader.client("s3")
        self.assertEqual(b"x", s3.get_object(Bucket="lake", Key="in/x")["Body"].read())
        for call, arguments in ((s3.get_object, {"Key": "out/x"}), (s3.put_object, {"Key": "in/y"}),
                                (s3.list_objects_v2, {}), (s3.delete_object, {"Key": "in/x"})):
            self.assertRefused(403, "AccessDenied", call, Bucket="lake", **arguments)
        # who may not list does not learn that an object is missing
        self.assertRefused(403, "AccessDenied", s3.get_object, Bucket="lake", Key="in/missing")
        self.fixtures.put_secret("prod/secret", "value")
        self.assertRefused(400, "AccessDeniedException", reader.client("secretsmanager").get_secret_value,
                           SecretId="prod/secret")
        topic = self.fixtures.make_topic_with_queue("closed")["topic_arn"]
        self.assertRefused(403, "AuthorizationError", reader.client("sns").publish, TopicArn=topic, Message="m")

    def test_assumed_role(self):
        role = self.fixtures.make_role("loader", json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))["role_arn"]
        keys = self.fixtures.client("sts").assume_role(RoleArn=role, RoleSessionName="load")["Credentials"]

        def s3(token):
            return boto3.client("s3", endpoint_url=self.endpoint, aws_access_key_id=keys["AccessKeyId"],
                                aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=token,
                                region_name="us-east-1", config=botocore.config.Config(
                                    s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))
        s3(keys["SessionToken"]).list_objects_v2(Bucket="lake")
        self.assertRefused(400, "InvalidToken", s3("other").list_objects_v2, Bucket="lake")

    def test_trust(self):
        allow = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
        trust = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::123456789012:role/first"},
             "Condition": {"StringEquals": {"sts:ExternalId": "a/handshake"}}}]})
        first = self.fixtures.make_role("first", allow)["role_arn"]
        second = self.fixtures.make_role("second", allow, trust)["role_arn"]
        sts = self.fixtures.client("sts")
        self.assertRefused(403, "AccessDenied", sts.assume_role, RoleArn=second, RoleSessionName="load")
        keys = sts.assume_role(RoleArn=first, RoleSessionName="load")["Credentials"]
        sts = self.session("sts", keys)
        self.assertRefused(403, "AccessDenied", sts.assume_role, RoleArn=second, RoleSessionName="load")
        self.assertRefused(403, "AccessDenied", sts.assume_role, RoleArn=second, RoleSessionName="load", ExternalId="wrong")
        sts.assume_role(RoleArn=second, RoleSessionName="load", ExternalId="a/handshake")
        self.assertRefused(403, "AccessDenied", sts.assume_role, RoleArn=second + "x", RoleSessionName="load")
        assumed = [request for request in self.requests() if request["action"] == "AssumeRole"]
        self.assertEqual([first, second], [request["role"] for request in assumed if request["status"] == 200])
        self.assertEqual({"load"}, {request["session"] for request in assumed})

    def session(self, service, keys):
        return boto3.client(service, endpoint_url=self.endpoint, aws_access_key_id=keys["AccessKeyId"],
                            aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
                            region_name="us-east-1")

    def test_expiry(self):
        role = self.fixtures.make_role("brief", json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"}]}))["role_arn"]
        keys = self.fixtures.client("sts").assume_role(RoleArn=role, RoleSessionName="load")["Credentials"]
        self.session("sns", keys).list_topics()
        self.control("expire")
        self.assertRefused(403, "ExpiredToken", self.session("sns", keys).list_topics)
        self.assertRefused(400, "ExpiredTokenException", self.session("secretsmanager", keys).list_secrets)

    def test_machine(self):
        role = self.fixtures.make_role("machine", json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sns:*", "Resource": "*"}]}))["role_arn"]
        instance = botocore.utils.InstanceMetadataFetcher(
            num_attempts=1, config={"ec2_metadata_service_endpoint": self.endpoint + "/"})
        container = botocore.utils.ContainerMetadataFetcher()
        url = self.endpoint + "/container/credentials"
        self.assertEqual({}, instance.retrieve_iam_role_credentials())
        self.control("machine", {"role": role, "authorization": "let me in"})
        found = instance.retrieve_iam_role_credentials()
        keys = {"AccessKeyId": found["access_key"], "SecretAccessKey": found["secret_key"], "SessionToken": found["token"]}
        self.session("sns", keys).list_topics()
        with self.assertRaises(urllib.error.HTTPError) as caught:  # version 1
            urllib.request.urlopen(self.endpoint + "/latest/meta-data/iam/security-credentials/")
        self.assertEqual(401, caught.exception.code)
        caught.exception.close()
        found = container.retrieve_full_uri(url, {"Authorization": "let me in"})
        self.session("sns", {**found, "SessionToken": found["Token"]}).list_topics()
        with self.assertRaises(botocore.exceptions.MetadataRetrievalError):
            container._sleep = lambda _: None
            container.retrieve_full_uri(url, {"Authorization": "wrong"})

    def test_web_identity(self):
        allow = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
        trust = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": "oidc.example.com"}}]})
        pod = self.fixtures.make_role("pod", allow, trust)["role_arn"]
        other = self.fixtures.make_role("no-pod", allow)["role_arn"]
        sts = boto3.client("sts", endpoint_url=self.endpoint, region_name="us-east-1")
        self.control("machine", {"web_identity_token": "a.b.c"})
        wanted = {"RoleSessionName": "load", "WebIdentityToken": "a.b.c"}
        keys = sts.assume_role_with_web_identity(RoleArn=pod, **wanted)["Credentials"]
        self.session("sns", keys).list_topics()
        self.assertRefused(403, "AccessDenied", sts.assume_role_with_web_identity, RoleArn=other, **wanted)
        self.assertRefused(400, "InvalidIdentityToken", sts.assume_role_with_web_identity, RoleArn=pod,
                           RoleSessionName="load", WebIdentityToken="x.y.z")

    def test_clock(self):
        self.control("clock", {"offset": 3600})
        self.assertRefused(403, "RequestTimeTooSkewed", self.s3.list_objects_v2, Bucket="lake")
        self.control("reset")
        self.s3.list_objects_v2(Bucket="lake")


class ServicesTest(ServerTest):
    def test_secrets(self):
        self.fixtures.put_secret("string", "old")
        self.fixtures.put_secret("string", "new")
        self.fixtures.put_secret_binary("binary", "bytes")
        secrets = self.fixtures.client("secretsmanager")
        self.assertEqual("new", secrets.get_secret_value(SecretId="string")["SecretString"])
        self.assertEqual(b"bytes", secrets.get_secret_value(SecretId="binary")["SecretBinary"])
        self.assertRefused(400, "ResourceNotFoundException", secrets.get_secret_value, SecretId="missing")

    def test_topic_to_queue(self):
        made = self.fixtures.make_topic_with_queue("alerts")
        sent = self.fixtures.client("sns").publish(
            TopicArn=made["topic_arn"], Subject="subject", Message="ünïcode & more",
            MessageAttributes={"level": {"DataType": "String", "StringValue": "high"}})
        received = self.fixtures.read_queue(made["queue_url"])
        self.assertEqual([(sent["MessageId"], "subject", "ünïcode & more")],
                         [(m["MessageId"], m["Subject"], m["Message"]) for m in received])
        self.assertEqual("high", received[0]["MessageAttributes"]["level"]["Value"])
        self.assertEqual([], self.fixtures.read_queue(made["queue_url"]))
        self.assertRefused(404, "NotFound", self.fixtures.client("sns").publish, Message="m",
                           TopicArn=made["topic_arn"] + "-missing")

    def test_functions(self):
        self.fixtures.make_function("double", "def handler(event, context):\n    return event['n'] * 2\n")
        functions = self.fixtures.client("lambda")
        answer = functions.invoke(FunctionName="double", Payload=b'{"n": 4}')
        self.assertEqual((answer["StatusCode"], answer["Payload"].read(), answer["ExecutedVersion"]), (200, b"8", "$LATEST"))
        answer = functions.invoke(FunctionName="double", Payload=b"{}")
        self.assertEqual(answer["FunctionError"], "Unhandled")
        self.assertEqual(json.loads(answer["Payload"].read())["errorType"], "KeyError")
        self.assertEqual(functions.invoke(FunctionName="double", InvocationType="Event")["StatusCode"], 202)
        self.assertRefused(404, "ResourceNotFoundException", functions.invoke, FunctionName="none")
        self.assertRefused(400, "InvalidRequestContentException", functions.invoke, FunctionName="double", Payload=b"{")
        nobody = self.user("nofunctions", "lambda:ListFunctions").client("lambda")
        self.assertEqual(nobody.list_functions()["Functions"][0]["FunctionName"], "double")
        self.assertRefused(403, "AccessDeniedException", nobody.invoke, FunctionName="double")
        self.assertEqual([r["action"] for r in self.requests()][-2:], ["ListFunctions", "Invoke"])

    def test_glue(self):
        glue = self.fixtures.client("glue")
        glue.create_database(DatabaseInput={"Name": "catalog"})
        self.assertEqual("catalog", glue.get_database(Name="catalog")["Database"]["Name"])

    def test_log(self):
        self.s3.put_object(Bucket="lake", Key="logged", Body=b"0123456789")
        self.s3.get_object(Bucket="lake", Key="logged", Range="bytes=0-3")["Body"].read()
        self.assertRefused(404, "NoSuchKey", self.s3.get_object, Bucket="lake", Key="unlogged")
        entries = self.requests()
        self.assertEqual([("PUT", "logged", None, 200, 0), ("GET", "logged", "bytes=0-3", 206, 4)],
                         [(e["method"], e["key"], e["range"], e["status"], e["bytes"]) for e in entries[:2]])
        self.assertEqual(("NoSuchKey", "lake", "s3", [1, 2, 3]),
                         (entries[2]["code"], entries[2]["bucket"], entries[2]["service"],
                          [e["n"] for e in entries]))
        with open(self.log.name) as file:
            text = file.read()
        self.assertEqual(entries, [json.loads(line) for line in text.splitlines()])
        self.assertNotIn(self.info["secret_access_key"], text)
        self.assertNotIn("Signature", text)


class FaultTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.s3.put_object(Bucket="lake", Key="big", Body=b"x" * 100_000)
        self.control("reset")

    def get(self):
        return self.s3.get_object(Bucket="lake", Key="big")["Body"].read()

    def test_status_of_the_nth_request(self):
        self.fault(do="status", status=503, code="SlowDown", key="b.g", method="GET", nth=2, times=2)
        self.get()
        for _ in range(2):
            self.assertRefused(503, "SlowDown", self.get)
        self.get()
        self.assertEqual([None, "status", "status", None], [e["fault"] for e in self.requests()])

    def test_status_of_each_protocol(self):
        self.control("faults", [
            {"do": "status", "service": "sns", "action": "Publish", "status": 500, "code": "InternalFailure"},
            {"do": "status", "service": "secretsmanager", "status": 400, "code": "ThrottlingException", "times": 0}])
        self.assertRefused(500, "InternalFailure", self.fixtures.client("sns").publish,
                           TopicArn="arn:aws:sns:us-east-1:123456789012:t", Message="m")
        for _ in range(3):
            self.assertRefused(400, "ThrottlingException", self.fixtures.client("secretsmanager").get_secret_value,
                               SecretId="x")

    def test_status_with_headers(self):
        self.fault(do="status", status=301, code="PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-1"})
        with self.assertRaises(ClientError) as caught:
            self.fixtures.client("s3", parameter_validation=False).get_object(Bucket="lake", Key="big")
        self.assertIn(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], (301, 400))

    def test_answer(self):
        self.fault(do="answer", body="\xff\0<html>", headers={"ETag": '"x"'})
        answer = self.s3.get_object(Bucket="lake", Key="big")
        self.assertEqual((200, '"x"', b"\xff\0<html>"),
                         (answer["ResponseMetadata"]["HTTPStatusCode"], answer["ETag"], answer["Body"].read()))
        self.assertEqual(b"x" * 100_000, self.get())

    def test_reset_and_drop(self):
        self.fault(do="reset")
        with self.assertRaises(botocore.exceptions.HTTPClientError):
            self.get()
        self.fault(do="reset", after=1000)
        with self.assertRaises(botocore.exceptions.HTTPClientError):
            self.get()
        self.fault(do="drop", method="PUT")
        with self.assertRaises(botocore.exceptions.HTTPClientError):
            self.s3.put_object(Bucket="lake", Key="dropped", Body=b"done all the same")
        self.assertEqual(17, self.s3.head_object(Bucket="lake", Key="dropped")["ContentLength"])

    def test_truncate(self):
        self.fault(do="truncate", after=10)
        with self.assertRaises((botocore.exceptions.IncompleteReadError,
                                botocore.exceptions.ResponseStreamingError)):
            self.get()
        self.assertEqual(100_000, len(self.get()))

    def test_corrupt_and_replace(self):
        before = self.get()
        self.fault(do="corrupt", after=10)
        with self.assertRaises(botocore.exceptions.FlexibleChecksumError):
            self.get()
        self.assertEqual(before, self.get())
        self.fault(do="replace", after=10)
        with self.assertRaises((botocore.exceptions.HTTPClientError, botocore.exceptions.IncompleteReadError)):
            self.get()
        self.assertEqual(bytes(byte ^ 1 for byte in before), self.get())

    def test_slow(self):
        self.fault(do="slow", bytes_per_second=400_000)
        started = time.monotonic()
        self.assertEqual(100_000, len(self.get()))
        self.assertGreater(time.monotonic() - started, 0.2)

    def test_stall(self):
        s3 = self.fixtures.client("s3", read_timeout=0.3)
        for fault in ({}, {"after": 5}):
            self.fault(do="stall", **fault)
            with self.assertRaises(botocore.exceptions.HTTPClientError):
                s3.get_object(Bucket="lake", Key="big")["Body"].read()
        self.assertEqual(100_000, len(self.get()))

    def test_nonsense_is_refused(self):
        for fault in ({"do": "explode"}, {"do": "slow"}, {"do": "reset", "kay": "x"}, {"do": "reset", "key": "("}):
            with self.subTest(fault=fault), self.assertRaises(urllib.error.HTTPError) as caught:
                self.fault(**fault)
            self.assertEqual(400, caught.exception.code)
            caught.exception.close()


@unittest.skipUnless(DSN, "ETL_TEST_DSN is not set: no PostgreSQL for the Data API")
class DataApiTest(ServerTest):
    def run_sql(self, sql, **more):
        api = self.fixtures.client("redshift-data")
        identifier = api.execute_statement(Sql=sql, WorkgroupName="etl", **more)["Id"]
        return api, identifier, self.wait(api, identifier)

    def wait(self, api, identifier):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            state = api.describe_statement(Id=identifier)
            if state["Status"] in ("FINISHED", "FAILED", "ABORTED"):
                return state
            time.sleep(0.02)
        self.fail("the statement does not end")

    def test_query(self):
        api, identifier, state = self.run_sql("SELECT :n::int AS n, 'a:b' AS t, null::text AS nothing, 1.5::float8 AS f,"
                                              " true AS b FROM generate_series(1, 1001)",
                                              Parameters=[{"name": "n", "value": "7"}])
        self.assertEqual(("FINISHED", True, 1001), (state["Status"], state["HasResultSet"], state["ResultRows"]))
        page = api.get_statement_result(Id=identifier)
        self.assertEqual([{"longValue": 7}, {"stringValue": "a:b"}, {"isNull": True}, {"doubleValue": 1.5},
                          {"booleanValue": True}], page["Records"][0])
        self.assertEqual(["n", "t", "nothing", "f", "b"], [c["name"] for c in page["ColumnMetadata"]])
        rest = api.get_statement_result(Id=identifier, NextToken=page["NextToken"])
        self.assertEqual((1000, 1), (len(page["Records"]), len(rest["Records"])))

    def test_failure(self):
        api, identifier, state = self.run_sql("SELECT * FROM missing_table")
        self.assertEqual(("FAILED", 'ERROR: relation "missing_table" does not exist'),
                         (state["Status"], state["Error"]))
        self.assertRefused(400, "ResourceNotFoundException", api.get_statement_result, Id=identifier)

    def test_batch_is_one_transaction(self):
        api = self.fixtures.client("redshift-data")
        sqls = ["CREATE TABLE batch_made (x int)", "SELECT 1/0", "SELECT 2"]
        identifier = api.batch_execute_statement(Sqls=sqls, WorkgroupName="etl")["Id"]
        state = self.wait(api, identifier)
        self.assertEqual(["FINISHED", "FAILED", "ABORTED"], [part["Status"] for part in state["SubStatements"]])
        self.assertEqual("FAILED", self.run_sql("SELECT * FROM batch_made")[2]["Status"])
        identifier = api.batch_execute_statement(Sqls=["SELECT 1 AS a", "SELECT 2 AS b"], WorkgroupName="etl")["Id"]
        self.wait(api, identifier)
        self.assertEqual([[{"longValue": 2}]], api.get_statement_result(Id=identifier + ":2")["Records"])

    def test_cancel(self):
        api = self.fixtures.client("redshift-data")
        identifier = api.execute_statement(Sql="SELECT pg_sleep(60)", WorkgroupName="etl")["Id"]
        self.assertTrue(api.cancel_statement(Id=identifier)["Status"])
        self.assertEqual("ABORTED", self.wait(api, identifier)["Status"])
        self.assertRefused(400, "ValidationException", api.cancel_statement, Id=identifier)

    def test_client_token_runs_once(self):
        self.run_sql("DROP SEQUENCE IF EXISTS once")
        api, first, _ = self.run_sql("CREATE SEQUENCE once", ClientToken="t-1")
        _, second, state = self.run_sql("CREATE SEQUENCE once", ClientToken="t-1")
        self.assertEqual((first, "FINISHED"), (second, state["Status"]))
        self.run_sql("DROP SEQUENCE once")

    def test_denied_and_invalid(self):
        api = self.fixtures.client("redshift-data")
        self.assertRefused(400, "ValidationException", api.execute_statement, Sql="SELECT 1")
        self.assertRefused(400, "ResourceNotFoundException", api.describe_statement, Id="missing")
        denied = self.user("no-data-api", "s3:*").client("redshift-data")
        self.assertRefused(400, "AccessDeniedException", denied.execute_statement, Sql="SELECT 1", WorkgroupName="etl")


# the base class has no tests of its own
del ServerTest

if __name__ == "__main__":
    unittest.main()
