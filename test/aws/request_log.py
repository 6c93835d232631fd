"""The request log: one JSON object per request, kept in memory and appended to a file.

It never holds an Authorization header, a security token or a body.
"""
import json
import threading
import time


class RequestLog:
    def __init__(self, path):
        self._lock = threading.Lock()
        self._entries = []
        self._file = open(path, "a", buffering=1) if path else None

    def add(self, request, **outcome):
        entry = {"time": round(time.time(), 3), "service": request.service, "method": request.method,
                 "host": request.host, "bucket": request.bucket, "key": request.key, "action": request.action,
                 "query": request.raw_query, "range": request.headers.get("Range"),
                 "role": request.form.get("RoleArn"), "session": request.form.get("RoleSessionName"),
                 "access_key_id": request.access_key_id, "received": len(request.body),
                 "user_agent": request.headers.get("User-Agent"),
                 "if_match": request.headers.get("If-Match"),
                 "request_payer": request.headers.get("x-amz-request-payer"), **outcome}
        with self._lock:
            entry = {"n": len(self._entries) + 1, **entry}
            self._entries.append(entry)
            if self._file:
                self._file.write(json.dumps(entry) + "\n")

    def entries(self):
        with self._lock:
            return list(self._entries)

    def clear(self):
        with self._lock:
            self._entries.clear()
            if self._file:
                self._file.truncate(0)
