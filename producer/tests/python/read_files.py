"""Reads the files of one run with DuckDB and fastavro and compares them with the run's CSV."""

import csv
import datetime

import duckdb
import fastavro

TYPES = {"timestamp": "TIMESTAMP WITH TIME ZONE", "sequence": "BIGINT"}
TEXTS = {"machine_id", "maintenance_status", "anomaly_type"}
INTEGERS = {"anomaly_label", "hour", "day_of_week", "month", "is_weekend", "is_night_shift"}


def expected_type(name):
    if name in TEXTS:
        return "VARCHAR"
    return TYPES.get(name, "INTEGER" if name in INTEGERS else "DOUBLE")


def parsed(name, text):
    if text == "":
        return None
    if name == "timestamp":
        return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
    if name in TEXTS:
        return text
    return int(text) if name in INTEGERS else float(text)


with open("same.csv", newline="") as file:
    rows = [{name: parsed(name, text) for name, text in row.items()} for row in csv.DictReader(file)]


def check_parquet(path):
    duckdb.sql("SET TimeZone = 'UTC'")
    # Milliseconds since 1970, so that no time zone database is needed.
    types = {row[0]: row[1] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()}
    for name, found in types.items():
        assert found == expected_type(name), f"{path}: {name} is {found}"
    names = [name for name in types if name != "timestamp"]
    read = duckdb.sql(f"SELECT epoch_ms(timestamp), {', '.join(names)} FROM '{path}'").fetchall()
    assert len(read) == len(rows), len(read)
    for found, row in zip(read, rows):
        assert found[0] == round(row["timestamp"].timestamp() * 1000), (found, row)
        for name, value in zip(names, found[1:]):
            assert name == "sequence" or value == row[name], (path, name, value, row[name])


def flat(record):
    features, rolling = record.pop("features") or {}, record.pop("rolling") or {}
    return {**record, **features, **rolling}


def check_container(path):
    with open(path, "rb") as file:
        read = [flat(record) for record in fastavro.reader(file)]
    assert len(read) == len(rows), len(read)
    for found, row in zip(read, rows):
        for name, value in row.items():
            assert found[name] == value, (path, name, found[name], value)


check_parquet("a.parquet")
check_parquet("plain.parquet")
check_container("a.avro")
check_container("plain.avro")
print(f"4 files of {len(rows)} rows are the CSV")
