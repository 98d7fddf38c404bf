"""Does the official SDK of CloudEvents understand this system, and this system the SDK?

What the SDK writes is posted to the real server, as it is, in each of the modes of the HTTP binding;
what a receiver then gets is read by the SDK again.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import json
import pathlib
import sys
import unittest
import urllib.parse
from datetime import datetime, timezone

from cloudevents.core.bindings.http import (
    HTTPMessage,
    from_http_event,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.v03.event import CloudEvent as CloudEventV03
from cloudevents.core.v1.event import CloudEvent

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from wire_ends import Ingest, Receiver, ask  # noqa: E402

ADA = {"operation": "create", "schema": "consumers", "entity": {"username": "Ada Łovelace"}}
TIME = datetime(2026, 11, 21, 10, 0, 0, 123000, tzinfo=timezone.utc)


def event(data=ADA, **attributes):
    """A CloudEvent: a consumer was created."""
    needed = {"id": "1", "source": "crud", "type": "consumers"}
    return CloudEvent(needed | attributes, data)


def to_batch(*events):
    """The SDK has no batches: an array of what it writes of each."""
    written = b",".join(to_structured_event(it).body for it in events)
    return HTTPMessage({"content-type": "application/cloudevents-batch+json"}, b"[%s]" % written)


MODES = {"binary": to_binary_event, "structured": to_structured_event, "batch": to_batch}


class SdkTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.ingest, self.receiver = Ingest(), Receiver()
        self.addCleanup(self.ingest.close)
        self.addCleanup(self.receiver.close)

    def post(self, message, **headers):
        """What the server says to a message of the SDK."""
        headers = dict(message.headers) | headers
        status, _, text = ask(self.ingest.port, "POST", "/events", message.body, headers, kind=None)
        return status, json.loads(text)

    def accepted(self, message, **headers):
        """The ids of the events of a message."""
        status, said = self.post(message, **headers)
        self.assertEqual(status, 202, said)
        return said["ids"]

    def refused(self, message):
        """Why the events of a message are refused: index and reason of each."""
        status, said = self.post(message)
        self.assertEqual(status, 400, said)
        return [(problem["index"], problem["message"]) for problem in said["errors"]]

    def hook(self, source, event=None):
        """A webhook, which gets events as the gateway sends them."""
        return self.ingest.hook(source, event, self.receiver.url)

    def cloud_hook(self, source, event=None):
        """A webhook that gets events as CloudEvents."""
        config = {"url": self.receiver.url, "secret": "s3cr3t", "format": "cloudevents"}
        return self.ingest.hook(source, event, self.receiver.url, config=config)

    def webhooks(self, count):
        """The requests of so many webhooks, whose signatures hold."""
        self.receiver.wait_for(count)
        return [r for r in self.receiver.requests if r.json()["source"] != "kong:event_hooks"]

    def read(self, count):
        """What the SDK reads of them, in the order of their ids."""
        read = [from_http_event(HTTPMessage(r.headers, r.body)) for r in self.webhooks(count)]
        return sorted(read, key=lambda it: it.get_id())

    # In

    def test_an_event_arrives_in_every_mode(self):
        self.hook("crud", "consumers")
        for number, (mode, written) in enumerate(MODES.items(), 1):
            with self.subTest(mode):
                more = {"time": TIME, "subject": "s", "datacontenttype": "application/json"}
                self.accepted(written(event(id=mode, **more)))
                self.assertEqual(
                    self.receiver.wait_for(number)[-1],
                    {"source": "crud", "event": "consumers"} | ADA,
                )

    def test_the_same_event_is_delivered_once_whatever_its_mode(self):
        self.hook("crud", "consumers")
        for written in MODES.values():
            self.accepted(written(event(id="same")))
        self.accepted(to_binary_event(event({"last": True}, id="other")))
        events = self.receiver.wait_for(2)
        self.assertCountEqual([it.get("last") for it in events], [None, True])

    def test_a_batch_is_as_many_events_as_are_in_it(self):
        self.hook("crud")
        batch = to_batch(*(event({"number": number}, id=f"b-{number}") for number in range(5)))
        self.assertEqual(len(self.accepted(batch)), 5)
        events = self.receiver.wait_for(5)
        self.assertCountEqual([it["number"] for it in events], range(5))
        self.assertEqual(self.refused(to_batch()), [], "nothing is no event")

    def test_attributes_that_are_not_ascii_are_the_same_in_every_mode(self):
        source, name = "grüße/ß", 'Ωμέγα "100 %" 🎉'
        path = "/".join(urllib.parse.quote(it, safe="") for it in (source, name))
        status, _ = self.ingest.ask("PUT", f"/event-hooks/sources/{path}", {})
        self.assertEqual(status, 200)
        self.hook(source, name)
        for number, (mode, written) in enumerate(MODES.items(), 1):
            with self.subTest(mode):
                self.accepted(written(event(id=f"ä-{mode}", source=source, type=name)))
                arrived = self.receiver.wait_for(number)[-1]
                self.assertEqual((arrived["source"], arrived["event"]), (source, name))

    def test_data_is_an_object_however_it_is_written(self):
        self.hook("crud")
        no_data = {"source": "crud", "event": "consumers"}
        arrived = 0
        for mode, written in MODES.items():
            for name, data, expected in [
                ("an object", {"a": [1, None]}, {"a": [1, None]}),
                ("bytes with JSON in them", b'{"a": "\xc3\xa4"}', {"a": "ä"}),
                ("none", None, {}),
            ]:
                with self.subTest(f"{mode}: {name}"):
                    self.accepted(written(event(data, id=f"{mode} {name}")))
                    arrived += 1
                    self.assertEqual(self.receiver.wait_for(arrived)[-1], no_data | expected)
            for name, data in [("bytes without", b"\x00\x01"), ("a text", "text")]:
                with self.subTest(f"{mode}: {name}"):
                    ((_, message),) = self.refused(written(event(data, id=f"{mode} {name}")))
                    self.assertRegex(message, "^data(_base64)?: (must be|invalid JSON)")

    def test_attributes_that_mean_nothing_here_are_no_hindrance(self):
        self.hook("crud", "consumers")
        more = {
            "subject": "consumers/ä",
            "dataschema": "https://example.com/schema.json",
            "datacontenttype": "application/vnd.example+json; charset=utf-8",
            "myextension": "1",
            "partitionkey": 'a "quoted" %',
        }
        for number, (mode, written) in enumerate(MODES.items(), 1):
            with self.subTest(mode):
                self.accepted(written(event(id=mode, **more)))
                self.assertEqual(self.receiver.wait_for(number)[-1]["entity"], ADA["entity"])

    def test_what_is_required_is_missed_by_name(self):
        for attribute, expected in [
            ("specversion", 'specversion: must be "1.0"'),
            ("id", "id: required"),
            ("source", "source: required"),
            ("type", "type: required"),
        ]:
            with self.subTest(attribute):
                binary, structured = to_binary_event(event()), to_structured_event(event())
                del binary.headers[f"ce-{attribute}"]
                members = json.loads(structured.body)
                del members[attribute]
                body = json.dumps(members).encode()
                self.assertEqual(self.refused(binary), [(0, expected)])
                structured = HTTPMessage(structured.headers, body)
                self.assertEqual(self.refused(structured), [(0, expected)])
                good = to_structured_event(event()).body
                batch = HTTPMessage(to_batch().headers, b"[%s,%s]" % (good, body))
                self.assertEqual(self.refused(batch), [(1, expected)])

    def test_an_earlier_version_is_refused(self):
        early = CloudEventV03({"id": "1", "source": "crud", "type": "consumers"}, ADA)
        for mode, written in MODES.items():
            with self.subTest(mode):
                self.assertEqual(self.refused(written(early)), [(0, 'specversion: must be "1.0"')])

    # Out

    def test_what_goes_out_is_what_the_sdk_reads(self):
        self.cloud_hook("crud", "consumers")
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        ids = [
            *self.accepted(to_binary_event(event(id="1", time=TIME)), traceparent=trace),
            *self.accepted(to_structured_event(event(id="2", time=TIME)), traceparent=trace),
            *self.accepted(to_batch(event(id="3", time=TIME)), traceparent=trace),
        ]
        read = self.read(3)
        self.assertEqual([it.get_id() for it in read], sorted(ids))
        spans = {r.json()["id"]: r.headers["traceparent"] for r in self.webhooks(3)}
        for it in read:
            attributes = it.get_attributes()
            span = attributes.pop("traceparent")
            self.assertEqual(span, spans[it.get_id()], "that of the request")
            self.assertEqual(span[:36], trace[:36], "a span of the trace that it was posted in")
            self.assertEqual(
                attributes,
                {
                    "specversion": "1.0",
                    "id": it.get_id(),
                    "source": "crud",
                    "type": "consumers",
                    "time": TIME,
                    "datacontenttype": "application/json",
                },
            )
            self.assertEqual(it.get_data(), ADA)

    def test_what_goes_out_has_the_time_of_acceptance_where_nobody_said_one(self):
        self.cloud_hook("crud", "consumers")
        timeless = to_binary_event(event())
        del timeless.headers["ce-time"]
        self.accepted(timeless)
        read = self.read(1)[0]
        self.assertIsNotNone(read.get_time().tzinfo)
        self.assertNotIn("traceparent", read.get_attributes())

    def test_a_source_that_is_no_uri_goes_out_as_one(self):
        source = "grüße/ß 100%"
        path = urllib.parse.quote(source, safe="") + "/x"
        self.ingest.ask("PUT", f"/event-hooks/sources/{path}", {})
        self.cloud_hook(source)
        self.accepted(to_structured_event(event(source=source, type="x")))
        read = self.read(1)[0]
        self.assertEqual(urllib.parse.unquote(read.get_source()), source)
        self.assertRegex(read.get_source(), "^[!-~]+$")

    def test_what_went_out_can_come_in_again(self):
        self.cloud_hook("crud", "routes")
        self.accepted(to_binary_event(event(type="routes")))
        first = self.read(1)[0]
        self.hook("crud", "routes")
        second = CloudEvent(first.get_attributes(), first.get_data())
        (again,) = self.accepted(to_structured_event(second))
        self.assertNotEqual(again, first.get_id())
        self.receiver.wait_for(3)


if __name__ == "__main__":
    unittest.main()
