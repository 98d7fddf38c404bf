"""What the ingest says when it does not take an event, or somebody else says in its place."""

import unittest

from servers import NO_EVENT, says, taken
from world import World, both_queues, numbered


class RefusalsTest(World):
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
            ("an answer that breaks off", says(202, b'{"accepted":2}', content_length="99")),
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

    def test_of_an_answer_no_more_is_read_than_a_megabyte(self):
        stand_in = self.stand_in(says(202, b" " * 2_000_000 + b'{"accepted":1}'))
        gateway = self.gateway(stand_in, "own")
        self.emit(gateway, numbered(1))
        gateway.passes(1.2)
        self.assertIn("the answer is longer than 1048576 bytes", gateway.lines("warn")[0])

    @both_queues
    def test_a_wrong_token_is_mended_by_a_person(self, queue):
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

    def test_a_setting_that_cannot_be_used_is_mended_by_a_person(self):
        for name, config, said in [
            ("a token of two lines", {"token": "se\ncret"}, "control character"),
            ("an address that is none", {"ingest_url": "ftp://127.0.0.1"}, "ingest_url: bad uri"),
            ("nobody there", {"ingest_url": "http://127.0.0.1:1"}, "cannot connect: "),
        ]:
            with self.subTest(name):
                stand_in = self.stand_in()
                gateway = self.gateway(stand_in, "kong", config)
                self.emit(gateway, numbered(1))
                gateway.passes(5)
                self.assertIn(said, gateway.lines("warn")[0])
                self.assertFalse([line for _, line in gateway.logged if "cret" in line])
                gateway.configure({"ingest_url": stand_in.url})
                gateway.passes(30)
                self.assertEqual(self.posted(stand_in), numbered(1))

    # Bad events

    @both_queues
    def test_one_bad_event_takes_no_other_with_it(self, queue):
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

    @both_queues
    def test_what_was_refused_is_not_posted_again_when_the_rest_has_to_wait(self, queue):
        refusal = says(
            400,
            {
                "message": "one",
                "errors": [
                    {"index": 1, "source": "crud", "event": "consumers", "message": "bad\nnews"}
                ],
            },
        )
        stand_in = self.stand_in(refusal, says(503), says(503))
        gateway = self.gateway(stand_in, queue)
        self.emit(gateway, numbered(3))
        gateway.passes(10)
        numbers = [[e["data"]["number"] for e in post.json()] for post in stand_in.posts()]
        self.assertEqual(numbers, [[0, 1, 2], [0, 2], [0, 2], [0, 2]])
        self.assertEqual(len(gateway.lines()), 1)
        self.assertIn("was refused: bad news", gateway.lines()[0])

    @both_queues
    def test_a_refusal_without_a_name_is_found_by_halves(self, queue):
        def too_much(request):
            """What a proxy says that takes no more than this."""
            return says(413)(request) if len(request.body) > 2_000 else taken(request)

        def no_poison(request):
            said = says(400, {"message": "?"}) if b"poison" in request.body else taken
            return said(request)

        for name, server, poison in [
            ("too large for a proxy", too_much, "x" * 3_000),
            ("a 400 that names nobody", no_poison, "poison"),
        ]:
            stand_in = self.stand_in(otherwise=server)
            gateway = self.gateway(stand_in, queue)
            self.emit(gateway, numbered(60) + [{"text": poison}] + numbered(39, start=60))
            gateway.passes(2)
            accepted = [post.json() for post in stand_in.posts() if server(post)[0] == 202]
            self.assertEqual([e["data"] for part in accepted for e in part], numbered(99), name)
            self.assertEqual(len(gateway.lines()), 1, name)
            self.assertIn("was refused: answered 4", gateway.lines()[0])

    @both_queues
    def test_what_is_settled_stays_so_when_the_rest_has_to_wait(self, queue):
        def everyone(request):
            errors = [{"index": index, "message": "bad"} for index, _ in enumerate(request.ids())]
            return says(400, {"message": "all", "errors": errors})(request)

        for name, script, posts, refused in [
            ("the first half", [says(413), says(503)], [[0, 1], [0], [0, 1]], 0),
            ("the second half", [says(413), taken, says(503)], [[0, 1], [0], [1], [1]], 0),
            ("nothing is left", [everyone], [[0, 1]], 2),
        ]:
            stand_in = self.stand_in(*script)
            gateway = self.gateway(stand_in, queue)
            self.emit(gateway, numbered(2))
            gateway.passes(20)
            numbers = [[e["data"]["number"] for e in post.json()] for post in stand_in.posts()]
            self.assertEqual(numbers, posts, name)
            self.assertEqual(len(gateway.lines()), refused, name)

    def test_answers_that_name_places_which_are_not_there_are_as_good_as_none(self):
        errors = [{"index": 7}, {"index": -1}, {"index": 0.5}, {"index": "x"}, "index", {}]
        refusal = says(400, {"message": "bad", "errors": errors})
        stand_in = self.stand_in(refusal)
        gateway = self.gateway(stand_in, "own")
        self.emit(gateway, numbered(2))
        gateway.passes(2)
        self.assertEqual([len(post.ids()) for post in stand_in.posts()], [2, 1, 1])
        self.assertEqual(gateway.lines(), [])

    # Events that nobody names

    @both_queues
    def test_an_event_that_breaks_its_request_each_time_does_not_hold_up_the_others(self, queue):
        for name, broken in [
            ("a firewall that does not like it", says(403, b"<html>blocked</html>")),
            ("a server that breaks over it", says(500, {"message": "An unexpected error"})),
            ("a proxy in front of one", says(502)),
            ("a status of no use", says(409)),
        ]:

            def answer(request, broken=broken):
                if b"poison" in request.body:
                    return broken(request)
                return NO_EVENT(request) if request.body == b"[]" else taken(request)

            stand_in = self.stand_in(otherwise=answer)
            gateway = self.gateway(stand_in, queue)
            self.emit(gateway, numbered(3) + [{"text": "poison"}] + numbered(3, start=3))
            gateway.passes(300)
            self.assertEqual(gateway.lines(), [], f"{name}: it may be an outage")
            self.emit(gateway, numbered(1, start=6))
            gateway.passes(600)
            accepted = [post.json() for post in stand_in.posts() if answer(post)[0] == 202]
            self.assertEqual([e["data"] for part in accepted for e in part], numbered(7), name)
            self.assertEqual(len(gateway.lines()), 1, name)
            self.assertIn("was refused: answered ", gateway.lines()[0])

    @both_queues
    def test_such_an_event_is_found_where_requests_are_too_large_besides(self, queue):
        def answer(request):
            if len(request.ids()) > 2:
                return says(413)(request)
            if b"poison" in request.body:
                return says(500)(request)
            return NO_EVENT(request) if request.body == b"[]" else taken(request)

        stand_in = self.stand_in(otherwise=answer)
        gateway = self.gateway(stand_in, queue)
        self.emit(gateway, [{"text": "poison"}] + numbered(3))
        gateway.passes(900)
        accepted = [post.json() for post in stand_in.posts() if answer(post)[0] == 202]
        self.assertEqual([e["data"] for part in accepted for e in part], numbered(3))
        self.assertEqual(len(gateway.lines()), 1)

    @both_queues
    def test_no_event_is_suspected_for_what_went_wrong_before_others_were_taken(self, queue):
        broken = says(502)
        for name, script in [
            ("an outage, and later another", [broken] * 19 + [taken] + [broken] * 3),
            ("one now and then", [broken, taken] * 30 + [broken] * 3),
        ]:

            def answer(request, script=script):
                if request.body == b"[]":
                    return NO_EVENT(request)
                return (script.pop(0) if script else taken)(request)

            stand_in = self.stand_in(otherwise=answer)
            gateway = self.gateway(stand_in, queue)
            count = script.count(taken) + 1
            for number in range(count):
                self.emit(gateway, numbered(1, start=number))
                gateway.passes(600)
            self.assertEqual(gateway.lines(), [], name)
            posted = self.posted(stand_in)
            self.assertEqual(posted[-1], {"number": count - 1}, name)
            self.assertNotIn(b"[]", [post.body for post in stand_in.posts()], name)

    def test_no_event_is_suspected_where_it_may_be_the_way(self):
        for name, said in [
            ("a token that may not", says(403, {"message": "you do not have permissions"})),
            ("a page at the wrong address", says(405, b"<html>not allowed</html>")),
            ("plain HTTP to a port of HTTPS", says(400, b"<html>400 Bad Request</html>")),
            ("a way that takes anything", says(200)),
            ("a server that is busy", says(503)),
            ("a server that has no room for more", says(429)),
            ("a server that breaks over everything", says(500)),
        ]:
            with self.subTest(name):
                stand_in = self.stand_in(otherwise=said)
                gateway = self.gateway(stand_in, "own")
                self.emit(gateway, numbered(2))
                gateway.passes(3_000)
                self.assertEqual(gateway.lines(), [])
                stand_in.comes_to_its_senses()
                gateway.passes(60)
                self.assertEqual(stand_in.posts()[-1].json()[1]["data"], {"number": 1})


if __name__ == "__main__":
    unittest.main()
