"""Fixtures of the AWS test server, put with boto3: `fixtures.py ENDPOINT KEY SECRET COMMAND ARGUMENTS…`.

Prints one line of JSON (or for get-object the bytes). Commands:
    make-bucket BUCKET [REGION]             put-object BUCKET KEY [FILE]     (without FILE: stdin)
    get-object BUCKET KEY                   put-tree DIRECTORY BUCKET [PREFIX]
    get-ranges BUCKET KEY OFFSET:SIZE…      → their texts
    head-object BUCKET KEY                  list BUCKET [PREFIX]
    uploads BUCKET                          → key and upload_id of each multipart upload that is neither completed nor aborted
    make-upload BUCKET KEY                  → upload_id, with a part in it
    delete-object BUCKET KEY                make-topic-with-queue NAME       → topic_arn, queue_url
    read-queue QUEUE_URL                    → the messages as an array, taken off the queue
    put-secret NAME VALUE                   put-secret-binary NAME VALUE     put again: a new version
    put-checked BUCKET KEY ALGORITHM VALUE  stdin, with this checksum, which S3 keeps; without VALUE botocore's
    put-marked BUCKET KEY MARK              stdin, with metadata pg-etl-put: MARK
    put-composite BUCKET KEY                stdin in parts of 5 MB, with a checksum of their checksums
    make-versioned BUCKET                   a bucket that keeps versions
    presign BUCKET KEY SECONDS DATE METHOD  → url, as botocore signs it at DATE (20260101T000000Z)
    make-user NAME POLICY_JSON              → access_key_id, secret_access_key
    make-role NAME POLICY_JSON [TRUST_JSON] → role_arn; without TRUST_JSON every user of the account may assume it
    make-function NAME CODE                 → arn; CODE is Python that defines handler(event, context)
    make-queue NAME [ATTRIBUTES_JSON]       → queue_url
"""
import io
import json
import os
import sys
import zipfile
from datetime import datetime, timezone

import boto3
import botocore.auth
import botocore.config


class Fixtures:
    def __init__(self, endpoint, access_key_id, secret_access_key, region="us-east-1"):
        self._session = boto3.session.Session(access_key_id, secret_access_key, region_name=region)
        self._endpoint = endpoint

    def client(self, service, **config):
        if service == "s3":
            config.setdefault("s3", {"addressing_style": "path"})
        return self._session.client(service, endpoint_url=self._endpoint,
                                    config=botocore.config.Config(retries={"total_max_attempts": 1}, **config))

    def make_bucket(self, bucket, region=None):
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region else {}
        self.client("s3").create_bucket(Bucket=bucket, **place)
        return {"bucket": bucket}

    def put_object(self, bucket, key, path=None):
        if path:
            with open(path, "rb") as file:
                body = file.read()
        else:
            body = sys.stdin.buffer.read()
        return {"etag": self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["ETag"]}

    def put_tree(self, directory, bucket, prefix=""):
        s3 = self.client("s3")
        count = 0
        for folder, folders, files in os.walk(directory):
            folders.sort()
            for name in sorted(files):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    s3.put_object(Bucket=bucket, Key=prefix + os.path.relpath(path, directory), Body=file)
                count += 1
        return {"objects": count}

    def get_object(self, bucket, key):
        return self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def get_ranges(self, bucket, key, *ranges):
        s3, texts = self.client("s3"), []
        for offset, size in (map(int, text.split(":")) for text in ranges):
            answer = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={offset}-{offset + size - 1}")
            texts.append(answer["Body"].read().decode())
        return texts

    def head_object(self, bucket, key):
        head = self.client("s3").head_object(Bucket=bucket, Key=key)
        return {"etag": head["ETag"], "size": head["ContentLength"], "last_modified": str(head["LastModified"]),
                "content_type": head["ContentType"], "encryption": head.get("ServerSideEncryption"),
                "kms_key_id": head.get("SSEKMSKeyId")}

    def uploads(self, bucket):
        pages = self.client("s3").get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
        return [{"key": upload["Key"], "upload_id": upload["UploadId"]}
                for page in pages for upload in page.get("Uploads", ())]

    def make_upload(self, bucket, key):
        s3 = self.client("s3")
        upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=1, Body=b"part")
        return {"upload_id": upload_id}

    def delete_object(self, bucket, key):
        self.client("s3").delete_object(Bucket=bucket, Key=key)
        return {}

    def list(self, bucket, prefix=""):
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def put_checked(self, bucket, key, algorithm, value=None):
        body = sys.stdin.buffer.read()
        given = {"ChecksumAlgorithm": algorithm.upper()} if value is None else \
            {"ChecksumAlgorithm": algorithm.upper(), f"Checksum{algorithm.upper()}": value}
        return {"etag": self.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **given)["ETag"]}

    def put_marked(self, bucket, key, mark):
        body = sys.stdin.buffer.read()
        return {"etag": self.client("s3").put_object(Bucket=bucket, Key=key, Body=body, Metadata={"pg-etl-put": mark})["ETag"]}

    def put_composite(self, bucket, key):
        s3, body, size = self.client("s3"), sys.stdin.buffer.read(), 5 << 20
        which = {"Bucket": bucket, "Key": key}
        which["UploadId"] = s3.create_multipart_upload(**which, ChecksumAlgorithm="SHA256")["UploadId"]
        parts = []
        for number, start in enumerate(range(0, len(body), size), 1):
            part = s3.upload_part(**which, PartNumber=number, Body=body[start:start + size], ChecksumAlgorithm="SHA256")
            parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
        s3.complete_multipart_upload(**which, MultipartUpload={"Parts": parts})
        head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        return {"checksum": head.get("ChecksumSHA256")}

    def make_versioned(self, bucket):
        self.make_bucket(bucket)
        self.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return {"bucket": bucket}

    def presign(self, bucket, key, seconds, date, method):
        moment = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        botocore.auth.get_current_datetime = lambda remove_tzinfo=True: \
            moment.replace(tzinfo=None) if remove_tzinfo else moment
        return {"url": self.client("s3", signature_version="s3v4").generate_presigned_url(
            {"GET": "get_object", "HEAD": "head_object", "PUT": "put_object", "DELETE": "delete_object"}[method],
            {"Bucket": bucket, "Key": key}, int(seconds))}

    def make_topic_with_queue(self, name):
        sns, sqs = self.client("sns"), self.client("sqs")
        topic = sns.create_topic(Name=name)["TopicArn"]
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
        return {"topic_arn": topic, "queue_url": queue}

    def read_queue(self, queue_url):
        """The SNS notifications in the queue: Subject, Message, MessageAttributes, …"""
        sqs = self.client("sqs")
        messages = []
        while True:
            batch = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", [])
            if not batch:
                return messages
            for message in batch:
                messages.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])

    def _put_secret(self, name, **value):
        secrets = self.client("secretsmanager")
        try:
            return {"arn": secrets.create_secret(Name=name, **value)["ARN"]}
        except secrets.exceptions.ResourceExistsException:
            return {"arn": secrets.put_secret_value(SecretId=name, **value)["ARN"]}

    def put_secret(self, name, value):
        return self._put_secret(name, SecretString=value)

    def put_secret_binary(self, name, value):
        return self._put_secret(name, SecretBinary=value.encode())

    def make_user(self, name, policy):
        iam = self.client("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}

    def make_role(self, name, policy, trust=None):
        iam = self.client("iam")
        trust = trust or json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=policy)
        return {"role_arn": role["Arn"]}

    def make_function(self, name, code):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.py", code)
        role = self.make_role(name + "-role", json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}))["role_arn"]
        return {"arn": self.client("lambda").create_function(
            FunctionName=name, Runtime="python3.12", Role=role, Handler="index.handler",
            Code={"ZipFile": archive.getvalue()})["FunctionArn"]}

    def make_queue(self, name, attributes="{}"):
        return {"queue_url": self.client("sqs").create_queue(QueueName=name, Attributes=json.loads(attributes))["QueueUrl"]}


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    endpoint, key, secret, command, *arguments = sys.argv[1:]
    method = getattr(Fixtures(endpoint, key, secret), command.replace("-", "_"), None)
    if command.startswith("_") or method is None or command == "client":
        sys.exit(__doc__)
    result = method(*arguments)
    if isinstance(result, bytes):
        sys.stdout.buffer.write(result)
    else:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
