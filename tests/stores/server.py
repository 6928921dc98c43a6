"""A small server of the S3 protocol on loopback for tests: as much of it as the lake asks for.

It is a process of its own, because deltalake keeps Python's lock while it waits for some answers. What it keeps lies in a
folder, an object a file; it can be stopped and begun again, and told to fail, which servers that are in earnest cannot be told.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

KEY, SECRET = "loopback", "a-secret-of-the-tests-alone"
BUCKET = "lakes"
PAGE = 100  # keys of a listing, so that pages are turned
RULES, ASKED, CONTENT = "rules.json", "asked", "objects"


class Server:
    """The server, seen from the tests, at a port that stays the same however often it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.bucket = folder, 0, BUCKET
        self._process: subprocess.Popen[str] | None = None
        (folder / CONTENT).mkdir(parents=True)
        self.heal()
        self.begin()

    @property
    def environment(self) -> dict[str, str]:
        """What a process is told so that it finds the server."""
        where = f"http://127.0.0.1:{self.port}"
        return {"AWS_ENDPOINT_URL": where, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}

    def begin(self) -> None:
        """Begins to answer."""
        command = [sys.executable, __file__, str(self.folder), str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def stop(self) -> None:
        """Answers no more; what it keeps, it keeps."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def fail(self, method: str, word: str = "", status: int = 503, after: int = 0, **more: Any) -> None:
        """Lets requests of a method whose key holds a word fail, but for the first so many; `times` of them, if that is told.

        `copy` names an object and the key to which it is copied before: as if somebody else had put it there.
        """
        rule = {"method": method, "word": word, "status": status, "after": after, **more}
        (self.folder / RULES).write_text(json.dumps(rule), encoding="utf-8")

    def heal(self) -> None:
        """Lets nothing fail any more."""
        (self.folder / RULES).write_text("{}", encoding="utf-8")

    def holding(self, word: str = "") -> list[str]:
        """The keys of all objects that hold a word."""
        return sorted(key for each in (self.folder / CONTENT).iterdir() if word in (key := unquote(each.name)))

    def file(self, key: str) -> Path:
        """Where an object lies."""
        return self.folder / CONTENT / quote(key, safe="")

    def forget(self) -> None:
        """Forgets what it was asked so far."""
        (self.folder / ASKED).unlink(missing_ok=True)

    def requests(self, method: str, word: str = "") -> int:
        """How many requests of a method there were whose key holds a word."""
        asked = (self.folder / ASKED).read_text(encoding="utf-8").splitlines() if (self.folder / ASKED).exists() else []
        return sum(line.startswith(f"{method} ") and word in line for line in asked)


class Objects:
    """What the server keeps."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lock = folder, threading.RLock()
        self.parts: dict[str, dict[int, bytes]] = {}
        self.rule, self.met = "", 0

    def file(self, key: str) -> Path:
        """Where an object lies."""
        return self.folder / CONTENT / quote(key, safe="")

    def sorted_keys(self) -> list[str]:
        """All keys in the order of S3."""
        return sorted(unquote(each.name) for each in (self.folder / CONTENT).iterdir() if not each.name.endswith(".tmp"))

    def put(self, key: str, content: bytes) -> None:
        """Keeps an object."""
        passing = self.folder / CONTENT / f"{uuid.uuid4().hex}.tmp"
        passing.write_bytes(content)
        passing.replace(self.file(key))

    def failure(self, method: str, key: str) -> int:
        """The status with which a request is to fail; 0 for none. Notes that it was asked."""
        with self.lock:
            with (self.folder / ASKED).open("a", encoding="utf-8") as out:
                out.write(f"{method} {key}\n")
            text = (self.folder / RULES).read_text(encoding="utf-8")
            if text != self.rule:
                self.rule, self.met = text, 0
            rule = json.loads(text or "{}")
            if not rule or rule["method"] != method or rule["word"] not in key:
                return 0
            self.met += 1
            if not rule["after"] < self.met <= rule["after"] + rule.get("times", 10**9):
                return 0
            if "copy" in rule:
                source, target = rule["copy"]
                self.put(target, self.file(source).read_bytes())
            return int(rule["status"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize, disable_nagle_algorithm = 1 << 16, True  # an answer is one packet, and waits for none
    objects: Objects

    def handle_expect_100(self) -> bool:
        """A client asks whether it may go on."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def log_message(self, format: str, *args: object) -> None:
        """Tells nothing: the requests are kept."""

    def _answer(self) -> None:
        where = urlsplit(self.path)
        bucket, _, key = unquote(where.path).lstrip("/").partition("/")
        query = dict(parse_qsl(where.query, keep_blank_values=True))
        body = self._body()
        failure = self.objects.failure(self.command, key or query.get("prefix", ""))
        if failure:
            return self._fail(failure, "Refused")
        if f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            return self._fail(403, "InvalidAccessKeyId")
        if bucket != BUCKET:
            return self._fail(404, "NoSuchBucket")
        if not key:
            return self._listing(query) if self.command == "GET" else self._send(200)
        return {"GET": self._get, "HEAD": self._get, "PUT": self._put, "POST": self._post, "DELETE": self._delete}[
            self.command
        ](key, query, body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815  (names of the standard library)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = self._chunks()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):  # chunks of AWS' own within the body
            found, rest = b"", body
            while rest:
                head, _, rest = rest.partition(b"\r\n")
                size = int(head.split(b";")[0] or b"0", 16)
                if not size:
                    break
                found, rest = found + rest[:size], rest[size + 2 :]
            return found
        return body

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return found

    def _get(self, key: str, query: dict[str, str], body: bytes) -> None:
        file = self.objects.file(key)
        if not file.exists():
            return self._fail(404, "NoSuchKey")
        content, at = file.read_bytes(), file.stat().st_mtime
        told = {"ETag": _tag(content), "Last-Modified": formatdate(at, usegmt=True), "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range", "")
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            begin = int(first) if first else max(len(content) - int(last), 0)
            end = min(int(last) + 1, len(content)) if first and last else len(content)
            if begin >= len(content):
                return self._fail(416, "InvalidRange")
            return self._send(206, content[begin:end], told | {"Content-Range": f"bytes {begin}-{end - 1}/{len(content)}"})
        return self._send(200, content, told)

    def _put(self, key: str, query: dict[str, str], body: bytes) -> None:
        if "partNumber" in query:
            self.objects.parts[query["uploadId"]][int(query["partNumber"])] = body
            return self._send(200, b"", {"ETag": _tag(body)})
        source = unquote(self.headers.get("x-amz-copy-source", "")).lstrip("/").removeprefix(f"{BUCKET}/")
        with self.objects.lock:
            if self.headers.get("If-None-Match") == "*" and self.objects.file(key).exists():
                return self._fail(412, "PreconditionFailed")
            if source:
                if not self.objects.file(source).exists():
                    return self._fail(404, "NoSuchKey")
                body = self.objects.file(source).read_bytes()
            self.objects.put(key, body)
        if source:
            return self._send(200, f"<CopyObjectResult><ETag>{_tag(body)}</ETag></CopyObjectResult>".encode())
        return self._send(200, b"", {"ETag": _tag(body)})

    def _post(self, key: str, query: dict[str, str], body: bytes) -> None:
        if "uploads" in query:
            identity = uuid.uuid4().hex
            self.objects.parts[identity] = {}
            names = f"<Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><UploadId>{identity}</UploadId>"
            return self._send(200, f"<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>".encode())
        parts = self.objects.parts.pop(query["uploadId"])
        whole = b"".join(parts[number] for number in sorted(parts))
        self.objects.put(key, whole)
        names = f"<Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><ETag>{_tag(whole)}</ETag>"
        return self._send(200, f"<CompleteMultipartUploadResult>{names}</CompleteMultipartUploadResult>".encode())

    def _delete(self, key: str, query: dict[str, str], body: bytes) -> None:
        self.objects.file(key).unlink(missing_ok=True)
        return self._send(204)

    def _listing(self, query: dict[str, str]) -> None:
        prefix, mark = query.get("prefix", ""), query.get("delimiter", "")
        behind = query.get("continuation-token") or query.get("start-after", "")
        most = min(int(query.get("max-keys") or PAGE), PAGE)
        files, folders, last, more = [], [], "", False
        for key in self.objects.sorted_keys():
            inner = key.removeprefix(prefix)
            if not key.startswith(prefix) or key <= behind:
                continue
            if mark and mark in inner:
                folder = prefix + inner.partition(mark)[0] + mark
                if behind.startswith(folder) or folder in folders:
                    last = key if folder in folders else last
                    continue
            if len(files) + len(folders) == most:
                more = True
                break
            last = key
            if mark and mark in inner:
                folders.append(folder)
            else:
                files.append(key)
        text = "".join(self._listed(key) for key in files)
        text += "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders)
        text += f"<IsTruncated>{str(more).lower()}</IsTruncated><KeyCount>{len(files) + len(folders)}</KeyCount>"
        text += f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if more else ""
        text = f"<Name>{BUCKET}</Name><Prefix>{escape(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>{text}"
        self._send(200, f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>{text}</ListBucketResult>'.encode())

    def _listed(self, key: str) -> str:
        content, at = self.objects.file(key).read_bytes(), self.objects.file(key).stat().st_mtime
        when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return (
            f"<Contents><Key>{escape(key)}</Key><LastModified>{when}</LastModified><ETag>{escape(_tag(content))}</ETag>"
            f"<Size>{len(content)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )

    def _fail(self, status: int, code: str) -> None:
        self._send(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _send(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if content[:1] == b"<":
            self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


class _Quiet(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is none of the test's business."""


def main() -> None:
    """Serves a folder at a port (a free one, if 0), which it tells."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    handler = type("Handler", (_Handler,), {"objects": Objects(folder)})
    server = _Quiet(("127.0.0.1", port), handler)
    print(server.server_address[1], flush=True)
    parent = os.getppid()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.getppid() == parent:  # ends with the tests
        threading.Event().wait(0.5)


if __name__ == "__main__":
    main()
