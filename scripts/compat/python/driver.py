"""Driver of the Python clients and of kcat; the steps are described in ../README.md."""

import importlib
import json
import sys

from unsupported import Unsupported

MODULES = {
    "librdkafka": "librdkafka_client",
    "librdkafka-consumer": "librdkafka_client",
    "kafka-python": "kafka_python_client",
    "aiokafka": "aiokafka_client",
    "kcat": "kcat_client",
}


def answer(client, step):
    verb = step.pop("do")
    # After `join` the steps of a member go to it.
    member = getattr(client, "member", None)
    method = getattr(client, verb, None) or getattr(member, verb, None)
    if method is None:
        return {"unsupported": f"the client has no {verb}"}
    if verb in ("codecs",):
        step.pop("topic", None)
    try:
        return {"ok": True, **(method(**step) or {})}
    except Unsupported as reason:
        return {"unsupported": str(reason)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    name, bootstrap = sys.argv[1:]
    client = importlib.import_module(MODULES[name]).Client(bootstrap)
    for line in sys.stdin:
        print(json.dumps(answer(client, json.loads(line))), flush=True)


main()
