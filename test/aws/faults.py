"""Failures on demand.

A fault is a JSON object. What it applies to (all optional; bucket, key and action are regular expressions that
must match as a whole):
    service, method, bucket, key, action
    nth     the first matching request that fails, counted from when the fault was set (default 1)
    times   how many fail from there on (default 1; 0: all)
    expire  true: once it is performed the keys of all sessions that there are expire
What happens then:
    do: "status"    answer `status` with error `code` and `message` (and `headers`, and `extra` elements of S3's
                    <Error>), without performing the request; with status 200: an error that S3 learns of late
    do: "answer"    answer `status` (default 200) with `body`, each of whose characters is a byte, and `headers`, without
                    performing the request
    do: "reset"     reset the connection: at once, or with `after` after that many bytes of the answer's body
    do: "truncate"  close the connection in order after `after` bytes of the body (default: half of it)
    do: "slow"      send the body at `bytes_per_second`
    do: "stall"     send `after` bytes of the body (default: not even the head), then nothing until the client
                    leaves or `seconds` (default 600) have passed
    do: "corrupt"   send the body with one bit changed after `after` bytes (default: half of it)
    do: "replace"   send `after` bytes of the body (default: half of it), put another object in its place, reset; of a copy,
                    put another object in the source's place and then perform it
    do: "drop"      perform the request, then reset the connection without an answer
"""
import re
import threading

ACTIONS = ("status", "answer", "reset", "truncate", "slow", "stall", "corrupt", "replace", "drop")
PATTERNS = ("bucket", "key", "action")
KNOWN = {"service", "method", "nth", "times", "do", "status", "code", "message", "headers", "extra", "body", "after",
         "bytes_per_second", "seconds", "expire", *PATTERNS}


class Faults:
    def __init__(self):
        self._lock = threading.Lock()
        self._faults = []

    def set(self, faults):
        """Replace all faults; ValueError for one that makes no sense."""
        for fault in faults:
            unknown = set(fault) - KNOWN
            if unknown or fault.get("do") not in ACTIONS:
                raise ValueError(f"fault {fault}: " + (f"unknown {sorted(unknown)}" if unknown else
                                                        f"\"do\" must be one of {ACTIONS}"))
            if fault["do"] == "slow" and not fault.get("bytes_per_second"):
                raise ValueError(f"fault {fault}: \"slow\" needs bytes_per_second")
            for name in PATTERNS:
                re.compile(fault.get(name, ""))
        with self._lock:
            self._faults = [{"seen": 0, **fault} for fault in faults]

    def take(self, request):
        """The fault that this request shall suffer, or None. Counts it."""
        chosen = None
        with self._lock:
            for fault in self._faults:
                if not _matches(fault, request):
                    continue
                fault["seen"] += 1
                first = fault.get("nth", 1)
                times = fault.get("times", 1)
                if chosen is None and fault["seen"] >= first and (not times or fault["seen"] < first + times):
                    chosen = fault
        return chosen


def _matches(fault, request):
    if any(name in fault and fault[name] != getattr(request, name) for name in ("service", "method")):
        return False
    return all(re.fullmatch(fault[name], getattr(request, name) or "") for name in PATTERNS if name in fault)
