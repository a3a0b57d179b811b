"""kcat, called once per step; it has no admin calls."""

import json
import subprocess


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap

    def kcat(self, *arguments, text=None):
        command = ["kcat", "-b", self.bootstrap, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def codecs(self):
        return {"codecs": ["none", "gzip", "snappy", "lz4", "zstd"]}

    def partitions(self, topic):
        for found in json.loads(self.kcat("-L", "-J"))["topics"]:
            if found["topic"] == topic:
                return {"count": len(found["partitions"])}
        return {"count": 0}

    def produce(self, topic, partition, codec, records):
        # kcat sets no timestamp and does not tell the offset, so the end is asked before.
        before = self.offset_at(topic, partition, -1)["offset"]
        lines = "".join(f"{record['key']}\t{record['value']}\n" for record in records)
        place = ["-t", topic, "-p", str(partition)]
        self.kcat("-P", *place, "-K", "\t", "-z", codec, "-X", "linger.ms=50", text=lines)
        return {"base_offset": before}

    def fetch(self, topic, partition, **step):
        place = ["-t", topic, "-p", str(partition), "-o", str(step["from"])]
        text = self.kcat("-C", *place, "-c", str(step["count"]), "-J", "-q")
        return {"records": [record(json.loads(line)) for line in text.splitlines()]}

    def offset_at(self, topic, partition, timestamp):
        told = self.kcat("-Q", "-t", f"{topic}:{partition}:{timestamp}")
        return {"offset": int(told.split()[-1])}


def record(line):
    return {"offset": line["offset"], "key": line["key"], "value": line["payload"]}
