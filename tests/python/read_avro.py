"""Reads a topic of Millrace's Avro records with confluent-kafka and fastavro, and checks their sequences.

usage: read_avro.py BOOTSTRAP REGISTRY_URL TOPIC COUNT
"""

import io
import json
import struct
import sys
import time
import urllib.request

import fastavro
from confluent_kafka import Consumer, TopicPartition


def assigned_consumer(bootstrap, topic):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "python", "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    return consumer


def schema(registry, schema_id, known={}):
    if schema_id not in known:
        with urllib.request.urlopen(f"{registry}/schemas/ids/{schema_id}", timeout=10) as answer:
            known[schema_id] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
    return known[schema_id]


def decode(registry, value):
    magic, schema_id = struct.unpack(">bI", value[:5])
    assert magic == 0, f"magic {magic}"
    body = io.BytesIO(value[5:])
    reading = fastavro.schemaless_reader(body, schema(registry, schema_id))
    assert not body.read(), "bytes are left over"
    return reading


def check(message, reading, sequences):
    machine = reading["machine_id"]
    assert message.key().decode() == machine, f"key {message.key()} of {machine}"
    assert message.timestamp()[1] == round(reading["timestamp"].timestamp() * 1000), "event time"
    expected = sequences.get(machine, 0)
    assert reading["sequence"] == expected, f"{machine}: {reading['sequence']} instead of {expected}"
    sequences[machine] = expected + 1


def main(bootstrap, registry, topic, count):
    consumer, sequences = assigned_consumer(bootstrap, topic), {}
    deadline = time.monotonic() + 60
    while sum(sequences.values()) < int(count):
        assert time.monotonic() < deadline, f"only {sum(sequences.values())} records came"
        message = consumer.poll(1.0)
        if message is not None:
            assert message.error() is None, message.error()
            check(message, decode(registry, message.value()), sequences)
    consumer.close()
    print(f"{sum(sequences.values())} records of {len(sequences)} machines, no sequence missing")


main(*sys.argv[1:])
