"""The REST calls of registry_calls.py, with answers in a form that is the same for every registry."""

import json
import re
import urllib.error
import urllib.request
import uuid

RUN = uuid.uuid4().hex[:12]
VENDOR = "application/vnd.schemaregistry.v1+json"


def field(name, kind, *default):
    return {"name": name, "type": kind, **({"default": default[0]} if default else {})}


def record(*fields):
    return json.dumps({"type": "record", "name": f"R{RUN}", "fields": [field(*given) for given in fields]})


class Registry:
    """The REST calls, with the ids that the registry gave written as id1, id2, ... in order."""

    def __init__(self, url):
        self.url, self.ids = url.rstrip("/"), {}

    def call(self, method, path, body=None, kind=VENDOR):
        data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": kind, "Accept": VENDOR}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, parsed(answer.read())
        except urllib.error.HTTPError as refusal:
            return refusal.code, parsed(refusal.read())

    def name(self, schema_id):
        return self.ids.setdefault(schema_id, f"id{len(self.ids) + 1}")

    def show(self, answer):
        status, body = answer
        if isinstance(body, dict) and "error_code" in body:
            return f"{status} error {body['error_code']}"
        return f"{status} {json.dumps(self.plain(body), sort_keys=True)}"

    def plain(self, body):
        if isinstance(body, dict):
            return {key: self.value(key, value) for key, value in body.items()}
        if isinstance(body, list):
            return [self.plain(item) for item in body if not foreign(item)]
        return body.replace(RUN, "RUN") if isinstance(body, str) else body

    def value(self, key, value):
        if key == "id" and isinstance(value, int):
            return self.name(value)
        if key == "schema" and isinstance(value, str):
            return "same" if json.loads(value) else "other"
        if key == "messages":
            return sorted(set(re.findall(r"errorType:'(\w+)'", " ".join(value))))
        return self.plain(value)


def foreign(item):
    """Whether an item of a list is of another run; a registry may be shared."""
    subject = item.get("subject") if isinstance(item, dict) else item
    return isinstance(subject, str) and RUN not in subject and subject not in (".", "AVRO")


def parsed(body):
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
