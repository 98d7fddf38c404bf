"""Does the ingest know the events that plugins publish?"""

import unittest

from servers import says, taken
from world import World, both_queues, numbered


class CatalogTest(World):
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

    def test_an_emitters_token_is_enough_one_that_is_tied_to_a_workspace_too(self):
        ingest = self.server(token="t0ken")
        receiver = self.receiver(ingest, "my-plugin")
        role = {"name": "gateway", "role": "emitter", "workspaces": ["blue"]}
        _, made = ingest.ask("POST", "/tokens", role)
        config = {"ingest_url": f"{ingest.url}/blue", "token": made["token"]}
        gateway = self.gateway(ingest, "kong", config)
        gateway.publishes("my-plugin", "noticed", {"fields": ["what"]})
        gateway.emits("my-plugin", "noticed", {"what": "x"})
        gateway.passes(5)
        self.assertEqual(receiver.wait_for(1)[0]["what"], "x")
        self.assertEqual(gateway.lines("err", "warn", "timer"), [])

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

    def test_publishing_waits_for_an_ingest_that_is_busy(self):
        busy = says(503, {"message": "busy"})
        unknown = says(
            400,
            {"errors": [{"index": 0, "source": "my-plugin", "event": "noticed", "message": "?"}]},
        )
        stand_in = self.stand_in(busy, taken, unknown, busy, unknown)
        gateway = self.gateway(stand_in, "kong")
        gateway.publishes("my-plugin", "noticed")
        gateway.passes(5)
        gateway.emits("my-plugin", "noticed", {"number": 0})
        gateway.passes(10)
        self.assertEqual(
            [request.method for request in stand_in.requests],
            ["PUT", "PUT", "POST", "PUT", "POST", "PUT", "POST"],
        )
        self.assertEqual(gateway.lines(), [])

    @both_queues
    def test_a_source_that_the_ingest_forgot_is_published_again(self, queue):
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

    @both_queues
    def test_what_cannot_be_published_does_not_hold_up_the_events_of_others(self, queue):
        def answer(request):
            if request.method == "PUT":
                return says(403, {"message": "you may not"})(request)
            events = request.json()
            errors = [
                {"index": index, "source": "my-plugin", "event": "noticed", "message": "unknown"}
                for index, event in enumerate(events)
                if event["source"] == "my-plugin"
            ]
            if errors or not events:
                return says(400, {"message": "no", "errors": errors})(request)
            return taken(request)

        stand_in = self.stand_in(otherwise=answer)
        gateway = self.gateway(stand_in, queue)
        gateway.publishes("my-plugin", "noticed")
        gateway.emits("my-plugin", "noticed")
        self.emit(gateway, numbered(1))
        gateway.passes(300)
        self.assertEqual(gateway.lines(), [], "a person may mend it")
        gateway.passes(600)
        accepted = [post for post in stand_in.posts() if answer(post)[0] == 202]
        self.assertEqual([post.json()[0]["data"] for post in accepted], numbered(1))
        self.assertEqual(len(gateway.lines()), 1)
        self.assertIn("was refused: unknown", gateway.lines()[0])

    def test_a_list_without_names_is_no_list(self):
        ingest = self.server()
        gateway = self.gateway(ingest, "kong")
        gateway.publishes("x", "y", {"fields": [], "unique": [], "group_by": ["a"]})
        gateway.passes(5)
        self.assertEqual(gateway.lines(), [])
        _, entry = ingest.ask("GET", "/event-hooks/sources/x/y")
        self.assertEqual(entry["data"], {"fields": [], "group_by": ["a"]})

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

    def test_so_has_one_that_is_configured_while_we_wait_for_the_last(self):
        one, other = self.stand_in(), self.stand_in()
        gateway = self.gateway(one, "kong")
        gateway.publishes("my-plugin", "noticed")
        configure_before_the_answer = gateway.lua.eval(b"""function(handler, configs)
          local request = host.http
          host.http = function(...)
            host.http = request
            host.configure(handler, configs)
            return request(...)
          end
        end""")
        new = gateway.to_lua([{"ingest_url": other.url}])
        configure_before_the_answer(gateway._handler, new)
        gateway.passes(5)
        for stand_in in (one, other):
            self.assertEqual([request.method for request in stand_in.requests], ["PUT"])
        self.assertEqual(gateway.lines(), [])


if __name__ == "__main__":
    unittest.main()
