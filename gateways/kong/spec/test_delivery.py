"""What becomes of events between the gateway and the ingest: batches, outages, limits, the end."""

import unittest

from gateway import Gateway, answer_of
from servers import in_front_of, says, taken
from world import World, both_queues, numbered


class DeliveryTest(World):
    # Batches

    @both_queues
    def test_a_hundred_events_go_together_and_nobody_waits_longer_than_a_second(self, queue):
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

    @both_queues
    def test_a_request_has_a_megabyte_at_most(self, queue):
        stand_in = self.stand_in()
        gateway = self.gateway(stand_in, queue)
        self.emit(gateway, [{"text": "x" * 250_000}] * 10)
        gateway.passes(2)
        self.assertEqual([len(post.ids()) for post in stand_in.posts()], [4, 4, 2])

    @both_queues
    def test_a_large_batch_goes_on_where_it_was_interrupted(self, queue):
        stand_in = self.stand_in(taken, says(503))
        gateway = self.gateway(stand_in, queue)
        self.emit(gateway, [{"text": "x" * 250_000}] * 6)
        gateway.passes(5)
        first, interrupted, again = (post.ids() for post in stand_in.posts())
        self.assertEqual((len(first), len(interrupted)), (4, 2))
        self.assertEqual(again, interrupted)

    @both_queues
    def test_what_happens_while_a_batch_is_on_its_way_goes_with_the_next(self, queue):
        stand_in = self.stand_in()
        gateway = self.gateway(stand_in, queue)
        later = [numbered(150, start=1), []]
        gateway.meanwhile = lambda: self.emit(gateway, later.pop(0) if later else [])
        self.emit(gateway, numbered(1))
        gateway.passes(5)
        self.assertEqual([len(post.ids()) for post in stand_in.posts()], [1, 100, 50])
        self.assertEqual(self.posted(stand_in), numbered(151))

    # The ingest is away

    @both_queues
    def test_events_of_an_outage_arrive_once_when_the_server_is_back(self, queue):
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

    @both_queues
    def test_what_was_taken_and_never_answered_is_posted_again_and_delivered_once(self, queue):
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

    @both_queues
    def test_the_waits_grow_up_to_a_limit(self, queue):
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

    @both_queues
    def test_the_ingest_says_how_long_to_wait(self, queue):
        for name, status, said, expected in [
            ("seconds", 503, "7", 7),
            ("as many events wait as may", 429, "7", 7),
            ("no longer than a minute", 503, "86400", 60),
            ("a date is no word", 503, "Fri, 31 Dec 1999 23:59:59 GMT", 0.5),
            ("nonsense", 503, "-5", 0.5),
        ]:
            stand_in = self.stand_in(says(status, {"message": "busy"}, retry_after=said))
            gateway = self.gateway(stand_in, queue)
            self.emit(gateway, numbered(1))
            gateway.passes(1.1)
            self.assertEqual(len(stand_in.posts()), 1)
            gateway.passes(expected - 0.3)
            self.assertEqual(len(stand_in.posts()), 1, name)
            gateway.passes(1)
            self.assertEqual(len(stand_in.posts()), 2, name)

    @both_queues
    def test_an_error_while_posting_is_one_more_reason_to_try_again(self, queue):
        stand_in = self.stand_in()
        gateway = self.gateway(stand_in, queue)
        gateway.lua.execute(b"""
          local http = require "resty.http"
          http.broken, http.new = http.new, function() error("broken") end""")
        self.emit(gateway, numbered(1))
        gateway.passes(5)
        self.assertIn("posting: ", gateway.lines("err")[0])
        gateway.lua.execute(b"""local http = require "resty.http" http.new = http.broken""")
        gateway.passes(10)
        self.assertEqual(self.posted(stand_in), numbered(1))

    # Limits

    @both_queues
    def test_ten_thousand_events_wait_and_the_oldest_make_room(self, queue):
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
        self.assertEqual(
            dropped,
            [
                "event hooks: 250 events were dropped, for the queue was full; "
                "250 since this worker started"
            ],
        )

    def test_a_queue_that_drops_from_a_batch_on_its_way_is_counted_right(self):
        """As older ones of Kong do: what is handed over again begins later."""
        bad = {"index": 1, "source": "crud", "event": "consumers", "message": "bad"}
        stand_in = self.stand_in(says(400, {"errors": [bad]}), says(503))
        gateway = self.gateway(stand_in, "kong")
        sender = gateway.require("kong.plugins.event-hooks.sender")
        line = sender[b"new_line"]()
        entries = [sender[b"entry"](line, b'{"id":"%d"}' % number) for number in range(5)]
        send = gateway.lua.eval(b"""function(send, line, ...)
          local entries = { ... }
          ngx.timer.at(0, function() send(line, entries) end)
        end""")
        for handed_over in (entries[:3], entries[3:]):
            send(sender[b"send"], line, *handed_over)
            gateway.passes(1)
        self.assertEqual([post.ids() for post in stand_in.posts()][2:], [["3", "4"]])
        # The first and the third: the second was refused.
        self.assertEqual(line[b"dropped"], 2)

    def test_workspaces_that_the_gateway_keeps_apart_lose_nothing(self):
        stand_in = self.stand_in(says(503))
        gateway = self.gateway(stand_in, "kong")
        for number in range(20):
            gateway.host[b"workspace"] = (b"blue", b"red", None)[number % 3]
            self.emit(gateway, numbered(1, start=number))
        gateway.passes(5)
        # That of the first workspace had to come again, after those of the others.
        posted = [post.json() for post in stand_in.posts()[1:]]
        self.assertCountEqual([e["data"] for events in posted for e in events], numbered(20))
        self.assertEqual(posted[-1][0]["data"], {"number": 0})
        self.assertEqual(gateway.lines(), [])

    def test_our_own_queue_has_a_limit_of_bytes(self):
        gateway = Gateway({})
        batches = []
        enqueue = gateway.require("kong.plugins.event-hooks.own_queue")[b"enqueue"]
        conf = gateway.to_lua(
            {
                "name": "small",
                "max_batch_size": 2,
                "max_coalescing_delay": 1,
                "max_entries": 10,
                "max_bytes": 10,
                "initial_retry_delay": 1,
                "max_retry_delay": 5,
            }
        )
        handler = gateway.lua.eval(b"""function(take)
          return function(_, entries) take(unpack(entries)) return true end
        end""")(lambda *entries: batches.append([e.decode() for e in entries]))
        for entry in ("aaaa", "bbbb", "cccc", "dd"):
            self.assertIs(answer_of(enqueue(conf, handler, None, entry.encode())), True)
        self.assertEqual(
            answer_of(enqueue(conf, handler, None, b"x" * 11)), "the entry is longer than the queue"
        )
        gateway.passes(5)
        self.assertEqual(batches, [["bbbb", "cccc"], ["dd"]])
        full = "small: queue full, dropping old entries until there is room again"
        self.assertEqual(gateway.lines(), [full])
        for entry in (b"x" * 10, b"y" * 10, b"z" * 10):
            enqueue(conf, handler, None, entry)
        gateway.passes(5)
        self.assertEqual(batches[2:], [["z" * 10]])
        self.assertEqual(gateway.lines(), [full] * 2)

    def test_our_own_queue_outlives_a_shortage_of_timers(self):
        stand_in = self.stand_in(says(503))
        gateway = self.gateway(stand_in, "own")
        shortage = gateway.lua.eval(b"""(function(at)
          local function none() return nil, "too many pending timers" end
          return function(is_short) ngx.timer.at = is_short and none or at end
        end)(ngx.timer.at)""")
        shortage(True)
        self.emit(gateway, numbered(1))
        shortage(False)
        self.emit(gateway, numbered(1, start=1))
        gateway.passes(0.9)
        shortage(True)
        gateway.passes(5)
        self.assertEqual(len(stand_in.posts()), 1)
        self.assertEqual(
            gateway.lines(), ["event-hooks: cannot create a timer: too many pending timers"] * 2
        )
        shortage(False)
        self.emit(gateway, numbered(1, start=2))
        gateway.passes(30)
        self.assertEqual(self.posted(stand_in), numbered(2) + numbered(3))

    # The worker ends

    @both_queues
    def test_a_worker_that_ends_posts_what_is_left(self, queue):
        stand_in = self.stand_in()
        gateway = self.gateway(stand_in, queue)
        self.emit(gateway, numbered(250))
        self.assertEqual(gateway.shuts_down(), 0)
        self.assertEqual(self.posted(stand_in), numbered(250))

    @both_queues
    def test_a_worker_that_ends_waits_for_nobody_and_says_what_is_lost(self, queue):
        stand_in = self.stand_in(otherwise=says(503, retry_after="60"))
        gateway = self.gateway(stand_in, queue)
        self.emit(gateway, numbered(250))
        gateway.passes(0.2)
        gateway.passes(1)
        attempts = len(stand_in.posts())
        self.assertEqual(attempts, 1)
        self.assertEqual(gateway.shuts_down(3), 0)
        self.assertLessEqual(len(stand_in.posts()), attempts + 1)
        lost = [line for line in gateway.lines() if "are lost" in line]
        self.assertEqual(
            [line.split(" events")[0].rsplit(" ", 1)[1] for line in lost], ["100", "100", "50"]
        )


if __name__ == "__main__":
    unittest.main()
