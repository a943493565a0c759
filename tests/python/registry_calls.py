"""Asks a schema registry what clients ask of it, and prints one line a check, `name: answer`.

usage: registry_calls.py BASE_URL

Everything is asked under subjects with a random name, and ids and names are printed in a form that is the
same for every registry, so that the lines of two registries can be compared.
"""

import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from registry_http import RUN, VENDOR, Registry, record

ONE = record(("x", "int"))
WIDER = record(("x", "long"))
WITH_DEFAULT = record(("x", "int"), ("y", "int", 0))
WITHOUT_DEFAULT = record(("x", "int"), ("y", "int"))
OTHER_TYPE = record(("x", "string"))


def subject(name):
    return f"{RUN}-{name}"


def posted(schema, **more):
    return {"schema": schema, **more}


class Checks:
    def __init__(self, url):
        self.registry, self.client = Registry(url), SchemaRegistryClient({"url": url})

    def say(self, name, answer):
        print(f"{name}: {answer}", flush=True)

    def ask(self, name, method, path, body=None, kind=VENDOR):
        self.say(name, self.registry.show(self.registry.call(method, path, body, kind)))

    def register(self, subject_name, schema):
        return self.registry.call("POST", f"/subjects/{subject_name}/versions", posted(schema))

    def level(self, level, of=""):
        self.registry.call("PUT", f"/config{of}", {"compatibility": level})

    def registering(self):
        s, t = subject("registering"), subject("registering-too")
        versions = f"/subjects/{s}/versions"
        self.ask("a schema is registered", "POST", versions, posted(ONE))
        self.ask("the same again has the same id", "POST", versions, posted(ONE))
        self.ask("the same with spaces has the same id", "POST", versions, posted(json.dumps(json.loads(ONE), indent=2)))
        self.ask("the same under another subject has the same id", "POST", f"/subjects/{t}/versions", posted(ONE))
        self.ask("the same as plain JSON has the same id", "POST", versions, posted(ONE), "application/json")
        self.ask("the same with its type has the same id", "POST", versions, posted(ONE, schemaType="AVRO"))
        self.ask("the same normalized has the same id", "POST", versions + "?normalize=true", posted(ONE))
        swapped = json.dumps(dict(reversed(json.loads(ONE).items())))
        self.ask("the same in another order, normalized, has the same id", "POST", versions + "?normalize=true", posted(swapped))
        self.ask("it has one version", "GET", versions)
        self.ask("a successor is registered", "POST", versions, posted(WITH_DEFAULT))
        self.ask("it has two versions", "GET", versions)

    def looking_up(self):
        s = subject("registering")
        for version in ("1", "2", "latest", "-1", "3", "0", "newest"):
            self.ask(f"version {version}", "GET", f"/subjects/{s}/versions/{version}")
        self.ask("version 1 as text", "GET", f"/subjects/{s}/versions/1/schema")
        self.ask("version 1 of an unknown subject", "GET", f"/subjects/{subject('none')}/versions/1")
        self.ask("versions of an unknown subject", "GET", f"/subjects/{subject('none')}/versions")
        self.ask("a schema is looked up", "POST", f"/subjects/{s}", posted(ONE))
        self.ask("an unknown schema is looked up", "POST", f"/subjects/{s}", posted(OTHER_TYPE))
        self.ask("an unknown subject is looked up", "POST", f"/subjects/{subject('none')}", posted(ONE))
        self.ask("nothing refers to it", "GET", f"/subjects/{s}/versions/1/referencedby")
        self.ask("subjects with a prefix", "GET", f"/subjects?subjectPrefix={RUN}-registering")
        self.ask("no subject with an unknown prefix", "GET", "/subjects?subjectPrefix=zzz")

    def by_id(self):
        found = self.register(subject("registering"), ONE)[1]["id"]
        self.ask("a schema by id", "GET", f"/schemas/ids/{found}")
        self.ask("a schema by id and subject", "GET", f"/schemas/ids/{found}?subject={subject('registering')}")
        self.ask("a schema by id as text", "GET", f"/schemas/ids/{found}/schema")
        self.ask("subjects by id", "GET", f"/schemas/ids/{found}/subjects")
        self.ask("versions by id", "GET", f"/schemas/ids/{found}/versions")
        self.ask("an unknown id", "GET", "/schemas/ids/2000000000")
        self.ask("versions of an unknown id", "GET", "/schemas/ids/2000000000/versions")
        status, types = self.registry.call("GET", "/schemas/types")
        self.say("AVRO is a type", f"{status} {'AVRO' in types}")

    def refusals(self):
        versions = f"/subjects/{subject('refused')}/versions"
        self.ask("a text that is no JSON", "POST", versions, posted("{"))
        self.ask("a text that is no Avro", "POST", versions, posted('{"type":"record"}'))
        self.ask("an empty schema", "POST", versions, posted(""))
        self.ask("no schema", "POST", versions, {})
        self.ask("a body that is no JSON", "POST", versions, "{")
        self.ask("a JSON schema", "POST", f"/subjects/{subject('json')}/versions", posted('{"type":"string"}', schemaType="JSON"))
        self.ask("a type that is none", "POST", versions, posted(ONE, schemaType="ORC"))
        reference = [{"name": "a", "subject": subject("none"), "version": 1}]
        self.ask("a reference to nothing", "POST", versions, posted(ONE, references=reference))
        self.ask("an unknown path", "GET", "/nowhere")
        self.ask("associations", "GET", f"/associations/resources/-/{RUN}")

    def levels(self):
        s = subject("levels")
        self.ask("the global level", "GET", "/config")
        self.ask("the level of a subject without one", "GET", f"/config/{s}")
        self.ask("the level of a subject without one, or the global", "GET", f"/config/{s}?defaultToGlobal=true")
        self.register(s, ONE)
        for level in ("BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE", "NONE"):
            self.ask(f"level {level} is set", "PUT", f"/config/{s}", {"compatibility": level})
            self.ask(f"level {level} is there", "GET", f"/config/{s}")
        self.ask("a level that is none", "PUT", f"/config/{s}", {"compatibility": "SIDEWARD"})
        self.ask("the level is unset", "DELETE", f"/config/{s}")
        self.ask("the level is no longer there", "GET", f"/config/{s}")
        self.ask("the level is unset again", "DELETE", f"/config/{s}")

    def verdicts(self):
        candidates = {"wider": WIDER, "with default": WITH_DEFAULT, "without default": WITHOUT_DEFAULT, "other type": OTHER_TYPE}
        for level in ("BACKWARD", "FORWARD", "FULL", "NONE", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE"):
            s = subject(f"verdicts-{level}")
            self.register(s, ONE)
            self.level(level, f"/{s}")
            for name, schema in candidates.items():
                self.ask(f"{level} and {name}", "POST", f"/compatibility/subjects/{s}/versions/latest", posted(schema))
        s = subject("verdicts-BACKWARD")
        self.ask("a verdict on all versions", "POST", f"/compatibility/subjects/{s}/versions", posted(WITHOUT_DEFAULT))
        self.ask("a verdict on version 1", "POST", f"/compatibility/subjects/{s}/versions/1", posted(WITH_DEFAULT))
        self.ask("a verdict with reasons", "POST", f"/compatibility/subjects/{s}/versions/latest?verbose=true", posted(OTHER_TYPE))
        self.ask("a verdict on an unknown version", "POST", f"/compatibility/subjects/{s}/versions/9", posted(ONE))
        self.ask("a verdict on an unknown subject", "POST", f"/compatibility/subjects/{subject('none')}/versions/latest", posted(ONE))
        self.ask("a verdict on no Avro", "POST", f"/compatibility/subjects/{s}/versions/latest", posted("{"))
        self.ask("an incompatible schema is refused", "POST", f"/subjects/{s}/versions", posted(OTHER_TYPE))
        self.ask("a compatible schema is taken", "POST", f"/subjects/{s}/versions", posted(WIDER))

    def deleting(self):
        s = subject("deleting")
        for schema in (ONE, WITH_DEFAULT, WIDER):
            self.register(s, schema)
        at = f"/subjects/{s}"
        self.ask("a version goes not for good at once", "DELETE", f"{at}/versions/1?permanent=true")
        self.ask("a version is deleted", "DELETE", f"{at}/versions/1")
        self.ask("a deleted version is deleted", "DELETE", f"{at}/versions/1")
        self.ask("a deleted version", "GET", f"{at}/versions/1")
        self.ask("a deleted version when asked for", "GET", f"{at}/versions/1?deleted=true")
        self.ask("versions without the deleted", "GET", f"{at}/versions")
        self.ask("versions with the deleted", "GET", f"{at}/versions?deleted=true")
        self.ask("the deleted versions", "GET", f"{at}/versions?deletedOnly=true")
        self.ask("a deleted schema is looked up", "POST", at, posted(ONE))
        self.ask("a deleted schema is looked up when asked for", "POST", f"{at}?deleted=true", posted(ONE))
        self.ask("a deleted version goes for good", "DELETE", f"{at}/versions/1?permanent=true")
        self.ask("a version that is gone is deleted", "DELETE", f"{at}/versions/1")
        self.ask("a version that never was is deleted", "DELETE", f"{at}/versions/9")
        self.ask("a subject goes not for good at once", "DELETE", f"{at}?permanent=true")
        self.ask("a subject is deleted", "DELETE", at)
        self.ask("a deleted subject is deleted", "DELETE", at)
        self.ask("versions of a deleted subject", "GET", f"{at}/versions")
        self.say("subjects without the deleted", s in self.registry.call("GET", "/subjects")[1])
        self.say("subjects with the deleted", s in self.registry.call("GET", "/subjects?deleted=true")[1])
        self.ask("a deleted schema is registered again", "POST", f"{at}/versions", posted(WIDER))
        self.ask("it is a new version", "GET", f"{at}/versions")
        self.ask("the subject is deleted again", "DELETE", at)
        self.ask("a deleted subject goes for good", "DELETE", f"{at}?permanent=true")
        self.ask("a subject that is gone is deleted", "DELETE", at)

    def modes(self):
        s = subject("modes")
        self.register(s, ONE)
        self.ask("the global mode", "GET", "/mode")
        self.ask("the mode of a subject without one", "GET", f"/mode/{s}")
        self.ask("a mode is set", "PUT", f"/mode/{s}", {"mode": "READONLY"})
        self.ask("a mode is there", "GET", f"/mode/{s}")
        self.ask("a read-only subject takes no schema", "POST", f"/subjects/{s}/versions", posted(WITH_DEFAULT))
        self.ask("a read-only subject is not deleted", "DELETE", f"/subjects/{s}")
        self.ask("a mode that is none", "PUT", f"/mode/{s}", {"mode": "OPEN"})
        self.ask("a mode is unset", "DELETE", f"/mode/{s}")
        self.ask("contexts", "GET", "/contexts")

    def python_client(self):
        s, client = subject("python-value"), self.client
        schema = Schema(ONE, "AVRO")
        first = client.register_schema(s, schema)
        self.say("client registers", self.registry.name(first))
        self.say("client looks up", client.lookup_schema(s, schema).version)
        self.say("client gets by id", json.loads(client.get_schema(first).schema_str) == json.loads(ONE))
        self.say("client gets latest", client.get_latest_version(s).version)
        self.say("client gets versions", client.get_versions(s))
        self.say("client lists subjects", s in client.get_subjects())
        self.say("client sets the level", client.set_compatibility(s, "FULL"))
        self.say("client gets the level", client.get_compatibility(s))
        self.say("client tests", client.test_compatibility(s, Schema(WIDER, "AVRO")))
        self.say("client is refused", self.refused(lambda: client.register_schema(s, Schema(OTHER_TYPE, "AVRO"))))
        self.say("client asks for nothing", self.refused(lambda: client.get_latest_version(subject("none"))))
        self.say("client deletes a version", client.delete_version(s, 1))
        self.say("client deletes nothing", self.refused(lambda: client.delete_subject(subject("none"))))

    @staticmethod
    def refused(call):
        try:
            return f"not refused: {call()}"
        except SchemaRegistryError as error:
            return f"{error.http_status_code} error {error.error_code}"

    def python_records(self):
        topic, value = subject("records"), {"x": 7}
        context = SerializationContext(topic, MessageField.VALUE)
        frame = AvroSerializer(self.client, ONE)(value, context)
        self.say("a record is written", f"magic {frame[0]}, {len(frame)} bytes, body {frame[5:].hex()}")
        self.say("a record is read", AvroDeserializer(self.client)(frame, context))
        newer = AvroDeserializer(self.client, WITH_DEFAULT)
        self.say("a record is read with a newer schema", newer(frame, context))
        latest = {"auto.register.schemas": False, "use.latest.version": True}
        self.say("a record is written as the latest", AvroSerializer(self.client, conf=latest, schema_str=None)(value, context) == frame)

    def all(self):
        # Registries start with different levels.
        self.level("BACKWARD")
        parts = (self.registering, self.looking_up, self.by_id, self.levels, self.verdicts, self.deleting, self.modes)
        # What one registry refuses another may take, so this comes last.
        for part in (*parts, self.python_client, self.python_records, self.refusals):
            part()


if __name__ == "__main__":
    Checks(sys.argv[1]).all()
