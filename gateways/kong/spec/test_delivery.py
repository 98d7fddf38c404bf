"""What becomes of events between the gateway and the ingest: batches, limits, bad events, and an ingest
that is away, slow, mistaken or somebody else. Each test runs with Kong's queue and with our own.
"""

import unittest

from gateway import Gateway, answer_of
from servers import Ingest, Receiver, StandIn, in_front_of, says, taken

QUEUES = ("kong", "own")


def numbered(count, start=0):
    return [{"number": number} for number in range(start, start + count)]


class DeliveryTest(unittest.TestCase):
    def with_both_queues(self, run):
        """Runs a test for each queue."""
        for queue in QUEUES:
            with self.subTest(queue=queue):
                run(queue)

    def stand_in(self, *script, **more):
        stand_in = StandIn(*script, **more)
        self.addCleanup(stand_in.close)
        return stand_in

    def server(self, **more):
        ingest = Ingest(**more)
        self.addCleanup(ingest.close)
        return ingest

    def receiver(self, ingest, source="crud"):
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

    # Batches

    def test_a_hundred_events_go_together_and_nobody_waits_longer_than_a_second(self):
        def run(queue):
            stand_in = self.stand_in()
            gateway = self.gateway(stand_in, queue)
            self.emit(gateway, numbered(1))
            gateway.passes(0.9)
            self.assertEqual(stand_in.requests, [])
            gateway.passes(0.2)
            self.assertEqual(self.posted(stand_in), numbered(1))
            self.emit(gateway, numbered(250, start=1))
            gateway.passes(0.1)
            gateway.passes(1)
            self.assertEqual([len(post.ids()) for post in stand_in.posts()], [1, 100, 100, 50])
            self.assertEqual(self.posted(stand_in), numbered(251))

        self.with_both_queues(run)

    def test_an_event_is_posted_as_the_ingest_reads_it(self):
        stand_in = self.stand_in()
        gateway = self.gateway(stand_in, "kong", {"token": "t0ken"})
        self.emit(gateway, numbered(2))
        gateway.passes(2)
        post = stand_in.posts()[0]
        self.assertEqual((post.method, post.path), ("POST", "/events"))
        self.assertEqual(post.headers["content-type"], "application/json")
        self.assertEqual(post.headers["kong-admin-token"], "t0ken")
        first, second = post.json()
        self.assertEqual(sorted(first), ["data", "event", "id", "pid", "source", "time"])
        self.assertEqual((first["pid"], first["source"]), (4000, "crud"))
        self.assertNotEqual(first["id"], second["id"])
        other_worker = self.gateway(stand_in, "kong", worker=1)
        self.emit(other_worker, numbered(1))
        other_worker.passes(2)
        self.assertEqual(len(set(post.ids()) | set(stand_in.posts()[1].ids())), 3)

    def test_a_request_has_a_megabyte_at_most(self):
        def run(queue):
            stand_in = self.stand_in()
            gateway = self.gateway(stand_in, queue)
            self.emit(gateway, [{"text": "x" * 250_000}] * 10)
            gateway.passes(2)
            self.assertEqual([len(post.ids()) for post in stand_in.posts()], [4, 4, 2])

        self.with_both_queues(run)

    # The ingest is away

    def test_events_of_an_outage_arrive_once_when_the_server_is_back(self):
        def run(queue):
            ingest = self.server()
            receiver = self.receiver(ingest)
            gateway = self.gateway(ingest, queue)
            ingest.kill()
            self.emit(gateway, numbered(150))
            gateway.passes(120)
            self.assertGreater(gateway.attempts, 5)
            ingest.start()
            gateway.passes(60)
            events = receiver.wait_for(150)
            self.assertCountEqual([event["number"] for event in events], range(150))
            self.assertEqual(gateway.lines(), [])

        self.with_both_queues(run)

    def test_what_was_taken_and_never_answered_is_posted_again_and_delivered_once(self):
        def run(queue):
            ingest = self.server()
            receiver = self.receiver(ingest)
            between = self.stand_in(otherwise=in_front_of(ingest, swallow={0, 1}))
            gateway = self.gateway(between, queue)
            self.emit(gateway, numbered(3))
            gateway.passes(10)
            self.assertEqual(len(between.posts()), 3)
            self.assertEqual(len({tuple(post.ids()) for post in between.posts()}), 1)
            self.emit(gateway, numbered(1, start=3))
            gateway.passes(2)
            events = receiver.wait_for(4)
            self.assertCountEqual([event["number"] for event in events], range(4))

        self.with_both_queues(run)

    def test_the_waits_grow_up_to_a_limit(self):
        def run(queue):
            stand_in = self.stand_in(otherwise=says(503))
            gateway = self.gateway(stand_in, queue, {"max_retry_delay": 4})
            self.emit(gateway, numbered(1))
            after = []
            for second in range(1, 40):
                before = len(stand_in.posts())
                gateway.passes(0.5)
                after += [second / 2] * (len(stand_in.posts()) - before)
            waits = [later - earlier for earlier, later in zip(after, after[1:])]
            self.assertEqual(waits[:6], [0.5, 1, 2, 4, 4, 4])

        self.with_both_queues(run)

    def test_the_ingest_says_how_long_to_wait(self):
        def run(queue):
            for name, said, expected in [
                ("seconds", "7", 7),
                ("no longer than a minute", "86400", 60),
                ("a date is no word", "Fri, 31 Dec 1999 23:59:59 GMT", 0.5),
                ("nonsense", "-5", 0.5),
            ]:
                stand_in = self.stand_in(says(503, {"message": "busy"}, retry_after=said))
                gateway = self.gateway(stand_in, queue)
                self.emit(gateway, numbered(1))
                gateway.passes(1.1)
                self.assertEqual(len(stand_in.posts()), 1)
                gateway.passes(expected - 0.3)
                self.assertEqual(len(stand_in.posts()), 1, name)
                gateway.passes(1)
                self.assertEqual(len(stand_in.posts()), 2, name)

        self.with_both_queues(run)

    # Answers that are none

    def test_what_is_not_the_word_of_the_ingest_loses_no_event(self):
        for name, wrong in [
            ("a page that says 200", says(200, b"<html>welcome</html>")),
            ("202 without a body", says(202)),
            ("202 that is no JSON", says(202, b'{"accepted": 2')),
            ("202 that is a list", says(202, b"[]")),
            ("202 of another number", says(202, {"accepted": 1, "ids": ["a"]})),
            ("202 of no number", says(202, {"accepted": "2"})),
            ("nested beyond reason", says(202, b'{"accepted":' * 100_000)),
            ("an answer without end", says(202, b"x" * 2_000_000)),
            ("no content", says(204)),
            ("moved", says(302, location="http://127.0.0.1:1/")),
            ("a broken gateway", says(502, b"<html>bad gateway</html>")),
            ("too many", says(429, {"message": "slow down"})),
            ("a time-out", says(408)),
            ("a wrong token", says(401, {"message": "Invalid RBAC credentials"})),
            ("a token that may not", says(403)),
            ("a wrong address", says(404, {"message": "Not found"})),
            ("nobody answers", lambda request: None),
            ("an error in other words", says(500, {"message": ["not", "text"]})),
        ]:
            with self.subTest(name):
                stand_in = self.stand_in(otherwise=wrong)
                gateway = self.gateway(stand_in, "own")
                self.emit(gateway, numbered(2))
                gateway.passes(20)
                attempts = len(stand_in.posts())
                self.assertGreater(attempts, 2)
                self.assertEqual(gateway.lines(), [])
                stand_in.comes_to_its_senses()
                gateway.passes(30)
                self.assertEqual(len(stand_in.posts()), attempts + 1)
                self.assertEqual(len({tuple(post.ids()) for post in stand_in.posts()}), 1)

    def test_a_wrong_token_is_mended_by_a_person(self):
        def run(queue):
            ingest = self.server(token="right")
            receiver = self.receiver(ingest)
            gateway = self.gateway(ingest, queue, {"token": "wrong"})
            self.emit(gateway, numbered(1))
            gateway.passes(10)
            self.assertIn("Invalid RBAC credentials", gateway.lines("warn")[0])
            self.assertFalse([line for _, line in gateway.logged if "wrong" in line])
            gateway.configure({"ingest_url": ingest.url, "token": "right"})
            gateway.passes(30)
            self.assertEqual(receiver.wait_for(1)[0]["number"], 0)

        self.with_both_queues(run)

    # Bad events

    def test_one_bad_event_takes_no_other_with_it(self):
        def run(queue):
            ingest = self.server()
            receiver = self.receiver(ingest)
            gateway = self.gateway(ingest, queue)
            self.emit(gateway, numbered(50))
            self.assertIs(gateway.emits("crud", "no-such-entity"), True)
            self.emit(gateway, numbered(48, start=50))
            self.assertIs(gateway.emits("nobody", "knows"), True)
            gateway.passes(2)
            events = receiver.wait_for(98)
            self.assertCountEqual([event["number"] for event in events], range(98))
            refused = gateway.lines("err")
            self.assertEqual(len(refused), 2)
            self.assertIn("event 'no-such-entity' of source 'crud' is not in the catalog", refused[0])
            gateway.passes(60)
            self.assertEqual(gateway.lines("err"), refused)

        self.with_both_queues(run)

    def test_what_was_refused_is_not_posted_again_when_the_rest_has_to_wait(self):
        def run(queue):
            refusal = says(400, {"message": "one", "errors": [
                {"index": 1, "source": "crud", "event": "consumers", "message": "bad\nnews"}]})
            stand_in = self.stand_in(refusal, says(503), says(503))
            gateway = self.gateway(stand_in, queue)
            self.emit(gateway, numbered(3))
            gateway.passes(10)
            numbers = [[e["data"]["number"] for e in post.json()] for post in stand_in.posts()]
            self.assertEqual(numbers, [[0, 1, 2], [0, 2], [0, 2], [0, 2]])
            self.assertEqual(len(gateway.lines()), 1)
            self.assertIn("was refused: bad news", gateway.lines()[0])

        self.with_both_queues(run)

    def test_a_refusal_without_a_name_is_found_by_halves(self):
        def too_much(request):
            """What a proxy says that takes no more than this."""
            return says(413)(request) if len(request.body) > 2_000 else taken(request)

        def no_poison(request):
            return says(400, b"what is this?")(request) if b"poison" in request.body else taken(request)

        def run(queue):
            for name, server, poison in [
                ("too large for a proxy", too_much, "x" * 3_000),
                ("a 400 that names nobody", no_poison, "poison"),
            ]:
                stand_in = self.stand_in(otherwise=server)
                gateway = self.gateway(stand_in, queue)
                self.emit(gateway, numbered(60) + [{"text": poison}] + numbered(39, start=60))
                gateway.passes(2)
                accepted = [e for post in stand_in.posts() if server(post)[0] == 202 for e in post.json()]
                self.assertEqual([e["data"] for e in accepted], numbered(99), name)
                self.assertEqual(len(gateway.lines()), 1, name)
                self.assertIn("was refused: answered 4", gateway.lines()[0])

        self.with_both_queues(run)

    def test_answers_that_name_places_which_are_not_there_are_as_good_as_none(self):
        errors = [{"index": 7}, {"index": -1}, {"index": 0.5}, {"index": "x"}, "index", {}]
        refusal = says(400, {"message": "bad", "errors": errors})
        stand_in = self.stand_in(refusal)
        gateway = self.gateway(stand_in, "own")
        self.emit(gateway, numbered(2))
        gateway.passes(2)
        self.assertEqual([len(post.ids()) for post in stand_in.posts()], [2, 1, 1])
        self.assertEqual(gateway.lines(), [])

    def test_what_nobody_takes_at_this_address_is_dropped_with_a_line_each(self):
        stand_in = self.stand_in(otherwise=says(415, {"message": "what is JSON?"}))
        gateway = self.gateway(stand_in, "own")
        self.emit(gateway, numbered(2))
        gateway.passes(60)
        self.assertEqual(len(stand_in.posts()), 1)
        self.assertEqual(len(gateway.lines()), 2)
        self.assertIn("answered 415: what is JSON?", gateway.lines()[0])

    # The catalog

    def test_what_plugins_publish_is_in_the_catalog_before_their_events_are_posted(self):
        ingest = self.server()
        receiver = self.receiver(ingest, "my-plugin")
        first, second = (self.gateway(ingest, "kong", worker=number) for number in range(2))
        for gateway in (first, second):
            spec = {"fields": ["what"], "unique": ["what"], "description": "It noticed"}
            self.assertIs(gateway.publishes("my-plugin", "noticed", spec), True)
        self.assertIs(second.emits("my-plugin", "noticed", {"what": "x"}), True)
        second.passes(2)
        self.assertEqual(receiver.wait_for(1)[0]["what"], "x")
        first.passes(1)
        _, entry = ingest.ask("GET", "/event-hooks/sources/my-plugin/noticed")
        self.assertEqual(entry["data"], spec)
        self.assertEqual(first.lines() + second.lines(), [])

    def test_the_first_worker_publishes_at_start_as_soon_as_there_is_somebody(self):
        ingest = self.server()
        ingest.kill()
        workers = [self.gateway(ingest, "kong", worker=number) for number in range(2)]
        for gateway in workers:
            gateway.publishes("dao:crud x/ä", "a b")
            gateway.passes(100)
        ingest.start()
        self.assertEqual(workers[1].attempts, 0)
        self.assertIn("sources are not published yet", workers[0].lines("warn")[0])
        workers[0].passes(60)
        status, _ = ingest.ask("GET", "/event-hooks/sources/dao%3Acrud%20x%2F%C3%A4/a%20b")
        self.assertEqual(status, 200)
        attempts = workers[0].attempts
        workers[0].passes(1000)
        self.assertEqual(workers[0].attempts, attempts)

    def test_a_source_that_the_ingest_forgot_is_published_again(self):
        def run(queue):
            ingest = self.server()
            receiver = self.receiver(ingest, "my-plugin")
            gateway = self.gateway(ingest, queue)
            gateway.publishes("my-plugin", "noticed")
            gateway.passes(1)
            ingest.ask("DELETE", "/event-hooks/sources/my-plugin/noticed")
            gateway.emits("my-plugin", "noticed", {"number": 0})
            gateway.emits("nobody", "knows")
            gateway.passes(2)
            self.assertEqual(receiver.wait_for(1)[0]["number"], 0)
            self.assertEqual(len(gateway.lines()), 1)

        self.with_both_queues(run)

    def test_a_source_that_is_refused_holds_up_nothing(self):
        ingest = self.server()
        receiver = self.receiver(ingest)
        gateway = self.gateway(ingest, "kong")
        gateway.publishes("x", "y", {"description": "x" * 2_000})
        gateway.publishes("good", "one")
        gateway.emits("x", "y")
        self.emit(gateway, numbered(1))
        gateway.passes(5)
        self.assertEqual(receiver.wait_for(1)[0]["number"], 0)
        self.assertEqual(ingest.ask("GET", "/event-hooks/sources/good/one")[0], 200)
        self.assertIn("cannot publish x/y: answered 400", gateway.lines()[0])

    def test_another_address_has_another_catalog(self):
        one, other = self.stand_in(), self.stand_in()
        gateway = self.gateway(one, "kong")
        gateway.publishes("my-plugin", "noticed")
        gateway.passes(5)
        gateway.configure({"ingest_url": other.url})
        gateway.passes(5)
        for stand_in in (one, other):
            self.assertEqual(
                [(r.method, r.path) for r in stand_in.requests],
                [("PUT", "/event-hooks/sources/my-plugin/noticed")],
            )
            self.assertEqual(stand_in.requests[0].json(), {})

    # Limits

    def test_ten_thousand_events_wait_and_the_oldest_make_room(self):
        def run(queue):
            stand_in = self.stand_in(otherwise=says(503))
            gateway = self.gateway(stand_in, queue)
            self.emit(gateway, numbered(100))
            gateway.passes(0.2)
            gateway.passes(1)
            self.emit(gateway, numbered(10_250, start=100))
            stand_in.comes_to_its_senses()
            gateway.passes(60)
            accepted = {e["number"] for e in self.posted(stand_in)}
            # The batch on its way, and of the others the newest.
            self.assertEqual(accepted, set(range(100)) | set(range(350, 10_350)))
            dropped = [line for line in gateway.lines() if "were dropped" in line]
            self.assertEqual(dropped, [
                "event hooks: 250 events were dropped, for the queue was full; "
                "250 since this worker started"])

        self.with_both_queues(run)

    def test_workspaces_that_the_gateway_keeps_apart_lose_nothing(self):
        stand_in = self.stand_in()
        gateway = self.gateway(stand_in, "kong")
        for number in range(20):
            gateway.host[b"workspace"] = (b"blue", b"red", None)[number % 3]
            self.emit(gateway, numbered(1, start=number))
        gateway.passes(5)
        self.assertCountEqual(self.posted(stand_in), numbered(20))
        self.assertEqual(gateway.lines(), [])

    def test_our_own_queue_has_a_limit_of_bytes(self):
        gateway = Gateway({})
        batches = []
        enqueue = gateway.require("kong.plugins.event-hooks.own_queue")[b"enqueue"]
        conf = gateway.to_lua({
            "name": "small", "max_batch_size": 2, "max_coalescing_delay": 1, "max_entries": 10,
            "max_bytes": 10, "initial_retry_delay": 1, "max_retry_delay": 5})
        handler = gateway.lua.eval(b"""function(take)
          return function(_, entries) take(unpack(entries)) return true end
        end""")(lambda *entries: batches.append([e.decode() for e in entries]))
        for entry in ("aaaa", "bbbb", "cccc", "dd"):
            self.assertIs(answer_of(enqueue(conf, handler, None, entry.encode())), True)
        self.assertEqual(
            answer_of(enqueue(conf, handler, None, b"x" * 11)),
            "the entry is longer than the queue")
        gateway.passes(5)
        self.assertEqual(batches, [["bbbb", "cccc"], ["dd"]])
        self.assertEqual(len(gateway.lines()), 1)

    # The worker ends

    def test_a_worker_that_ends_posts_what_is_left(self):
        def run(queue):
            stand_in = self.stand_in()
            gateway = self.gateway(stand_in, queue)
            self.emit(gateway, numbered(250))
            self.assertEqual(gateway.shuts_down(), 0)
            self.assertEqual(self.posted(stand_in), numbered(250))

        self.with_both_queues(run)

    def test_a_worker_that_ends_waits_for_nobody_and_says_what_is_lost(self):
        def run(queue):
            stand_in = self.stand_in(otherwise=says(503, retry_after="60"))
            gateway = self.gateway(stand_in, queue)
            self.emit(gateway, numbered(250))
            gateway.passes(0.2)
            gateway.passes(1)
            attempts = len(stand_in.posts())
            self.assertEqual(attempts, 1)
            self.assertEqual(gateway.shuts_down(), 0)
            self.assertLessEqual(len(stand_in.posts()), attempts + 1)
            lost = [line for line in gateway.lines() if "are lost" in line]
            self.assertEqual(
                [line.split(" events")[0].rsplit(" ", 1)[1] for line in lost], ["100", "100", "50"])

        self.with_both_queues(run)


if __name__ == "__main__":
    unittest.main()
