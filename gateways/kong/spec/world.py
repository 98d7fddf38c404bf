"""A gateway, whatever is at the other end of its wire, and somebody who counts."""

import functools
import unittest

from gateway import Gateway
from servers import Ingest, Receiver, StandIn


def both_queues(test):
    """Runs a test with Kong's queue, and with our own."""

    @functools.wraps(test)
    def run(self):
        for queue in ("kong", "own"):
            with self.subTest(queue=queue):
                test(self, queue)

    return run


def numbered(count, start=0):
    """The data of so many events."""
    return [{"number": number} for number in range(start, start + count)]


class World(unittest.TestCase):
    """What is made here is gone after the test."""

    def stand_in(self, *script, **more):
        stand_in = StandIn(*script, **more)
        self.addCleanup(stand_in.close)
        return stand_in

    def server(self, **more):
        ingest = Ingest(**more)
        self.addCleanup(ingest.close)
        return ingest

    def receiver(self, ingest, source="crud"):
        """Somebody with a hook on this source."""
        receiver = Receiver()
        self.addCleanup(receiver.close)
        ingest.hook(source, None, receiver.url)
        return receiver

    def gateway(self, server, queue, config=None, **more):
        return Gateway({"ingest_url": server.url} | (config or {}), queue=queue, **more)

    def emit(self, gateway, datas):
        for data in datas:
            self.assertIs(gateway.emits("crud", "consumers", data), True)

    def posted(self, stand_in):
        """The data of all events that were posted, in order."""
        return [event["data"] for request in stand_in.posts() for event in request.json()]
