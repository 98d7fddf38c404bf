"""Does a secret leave the gateway?"""

import json
import unittest

from gateway import NULL, Gateway, capture, config_of

# As Kong's schemas are: a list of fields, each a table of its name and definition.
MARKED = {
    "name": "vault_like",
    "subschema_key": "name",
    "subschemas": {
        "aws": {
            "fields": [
                {
                    "config": {
                        "type": "record",
                        "fields": [
                            {"region": {"type": "string"}},
                            {"secret": {"type": "string", "encrypted": True}},
                            {
                                "tokens": {
                                    "type": "array",
                                    "elements": {"type": "string", "encrypted": True},
                                }
                            },
                            {
                                "by_name": {
                                    "type": "map",
                                    "values": {
                                        "type": "record",
                                        "fields": [
                                            {"password": {"type": "string", "encrypted": True}}
                                        ],
                                    },
                                }
                            },
                        ],
                    }
                }
            ]
        }
    },
    "fields": [
        {"id": {"type": "string"}},
        {"pin": {"type": "integer", "encrypted": True}},
        {"nested": {"type": "record", "fields": [{"key": {"type": "string", "encrypted": True}}]}},
        {"absent": {"type": "string", "encrypted": True}},
    ],
}


class RedactionTest(unittest.TestCase):
    def event_of(self, schema, entity, config=None, definition=None):
        """The event that a change becomes; None where nothing is posted."""
        self.gateway = Gateway({"ingest_url": "http://127.0.0.1:1"} | (config or {}))
        queued = capture(self.gateway)
        self.gateway.changes("update", schema, entity, entity, definition)
        return json.loads(queued[0])["data"] if queued else None

    def shown(self, *arguments, **more):
        event = self.event_of(*arguments, **more)
        self.assertEqual(event["entity"], event["old_entity"])
        return event["entity"]

    def test_the_secrets_of_kongs_own_entities(self):
        for schema, entity, shown in [
            (
                "basicauth_credentials",
                {"username": "joe", "password": "s3cr3t"},
                {"username": "joe", "password": "***"},
            ),
            (
                "keyauth_credentials",
                {"key": "s3cr3t", "consumer": {"id": "c"}},
                {"key": "***", "consumer": {"id": "c"}},
            ),
            (
                "hmacauth_credentials",
                {"username": "joe", "secret": "s3cr3t"},
                {"username": "joe", "secret": "***"},
            ),
            (
                "jwt_secrets",
                {"key": "issuer", "secret": "s3cr3t", "algorithm": "HS256"},
                {"key": "issuer", "secret": "***", "algorithm": "HS256"},
            ),
            (
                "oauth2_credentials",
                {"client_id": "app", "client_secret": "s3cr3t"},
                {"client_id": "app", "client_secret": "***"},
            ),
            (
                "oauth2_tokens",
                {"access_token": "s3cr3t", "refresh_token": "s3cr3t", "scope": "a"},
                {"access_token": "***", "refresh_token": "***", "scope": "a"},
            ),
            ("oauth2_authorization_codes", {"code": "s3cr3t"}, {"code": "***"}),
            (
                "certificates",
                {"cert": "public", "key": "s3cr3t", "key_alt": "s3cr3t"},
                {"cert": "public", "key": "***", "key_alt": "***"},
            ),
            (
                "keys",
                {"kid": "1", "jwk": "s3cr3t", "pem": {"private_key": "s3cr3t", "public_key": "p"}},
                {"kid": "1", "jwk": "***", "pem": {"private_key": "***", "public_key": "p"}},
            ),
            (
                "sessions",
                {"session_id": "s3cr3t", "data": "s3cr3t", "expires": 1},
                {"session_id": "***", "data": "***", "expires": 1},
            ),
            ("acme_storage", {"key": "name", "value": "s3cr3t"}, {"key": "name", "value": "***"}),
            (
                "plugins",
                {"name": "http-log", "config": {"headers": {"authorization": "s3cr3t"}}},
                {"name": "http-log", "config": {"headers": {"authorization": "***"}}},
            ),
            (
                "plugins",
                {"name": "rate-limiting", "config": {"redis_password": "s3cr3t", "minute": 5}},
                {"name": "rate-limiting", "config": {"redis_password": "***", "minute": 5}},
            ),
            (
                "plugins",
                {
                    "name": "acme",
                    "config": {
                        "storage_config": {
                            "consul": {"token": "s3cr3t", "kv_path": "acme"},
                            "redis": {"auth": "s3cr3t", "password": "s3cr3t", "port": 6379},
                        }
                    },
                },
                {
                    "name": "acme",
                    "config": {
                        "storage_config": {
                            "consul": {"token": "***", "kv_path": "acme"},
                            "redis": {"auth": "***", "password": "***", "port": 6379},
                        }
                    },
                },
            ),
            (
                "consumers",
                {"username": "key", "custom_id": "secret"},
                {"username": "key", "custom_id": "secret"},
            ),
        ]:
            with self.subTest(schema):
                self.assertEqual(self.shown(schema, entity), shown)

    def test_what_a_schema_marks_as_encrypted(self):
        entity = {
            "id": "i",
            "pin": 1234,
            "nested": {"key": "s3cr3t", "note": "n"},
            "name": "aws",
            "config": {
                "region": "eu",
                "secret": "s3cr3t",
                "tokens": ["s3cr3t", "s3cr3t"],
                "by_name": {"x": {"password": "s3cr3t", "user": "u"}},
            },
        }
        self.assertEqual(
            self.shown("vault_like", entity, definition=MARKED),
            {
                "id": "i",
                "pin": "***",
                "nested": {"key": "***", "note": "n"},
                "name": "aws",
                "config": {
                    "region": "eu",
                    "secret": "***",
                    "tokens": ["***", "***"],
                    "by_name": {"x": {"password": "***", "user": "u"}},
                },
            },
        )
        off = {"redact_encrypted": False}
        self.assertEqual(self.shown("vault_like", entity, off, definition=MARKED), entity)

    def test_the_list_can_be_changed(self):
        entity = {
            "username": "joe",
            "password": "s3cr3t",
            "deep": {"a": {"pin": 1}, "b": {"pin": 2}},
        }
        for name, rules, hidden in [
            ("an empty list", [], {}),
            ("another field", ["basicauth_credentials.username"], {"username": "***"}),
            ("of every schema", ["*.password"], {"password": "***"}),
            (
                "a field in a field",
                ["*.deep.a.pin"],
                {"deep": {"a": {"pin": "***"}, "b": {"pin": 2}}},
            ),
            (
                "any name in between",
                ["*.deep.*.pin"],
                {"deep": {"a": {"pin": "***"}, "b": {"pin": "***"}}},
            ),
            ("all of a field", ["basicauth_credentials.deep"], {"deep": "***"}),
            ("a field that is not there", ["*.nothing.at.all", "*.username.x"], {}),
            ("another schema", ["consumers.password"], {}),
        ]:
            with self.subTest(name):
                shown = self.shown("basicauth_credentials", entity, {"redact": rules})
                self.assertEqual(shown, entity | hidden)

    def test_another_list_counts_from_the_next_change_on(self):
        gateway = Gateway({"ingest_url": "http://127.0.0.1:1", "redact": ["*.a"]})
        queued = capture(gateway)
        for rules in (["*.a"], ["*.b"], []):
            gateway.configure({"ingest_url": "http://127.0.0.1:1", "redact": rules})
            gateway.changes("create", "x", {"a": 1, "b": 2})
        shown = [json.loads(text)["data"]["entity"] for text in queued]
        self.assertEqual(shown, [{"a": "***", "b": 2}, {"a": 1, "b": "***"}, {"a": 1, "b": 2}])

    def test_what_a_list_hid_stays_hidden_when_the_plugin_is_removed(self):
        url = "http://127.0.0.1:1"
        gateway = Gateway(None, env={"EVENT_HOOKS_INGEST_URL": url})
        queued = capture(gateway)
        entity = {"key": "k", "pin": "p", "id": "i"}
        for name, config, hidden in [
            ("never configured: the default", None, ["key"]),
            ("a list replaces the default", {"redact": ["*.pin"]}, ["pin"]),
            ("removed: both", None, ["key", "pin"]),
            ("so it stays", None, ["key", "pin"]),
            ("a list counts again", {"redact": ["*.id"]}, ["id"]),
            ("removed: the default and the last", None, ["key", "id"]),
            ("an empty list", {"redact": []}, []),
            ("removed: the default", None, ["key"]),
            ("no list", {"redact": NULL}, ["key"]),
        ]:
            with self.subTest(name):
                gateway.configure(config and {"ingest_url": url} | config)
                gateway.changes("create", "keyauth_credentials", entity)
                shown = json.loads(queued.pop())["data"]["entity"]
                self.assertEqual(shown, entity | {field: "***" for field in hidden})

    def test_the_gateways_own_copy_is_left_as_it_is(self):
        gateway = Gateway({"ingest_url": "http://127.0.0.1:1"})
        entity = gateway.to_lua({"password": "s3cr3t", "custom_id": NULL})
        change = gateway.to_lua(
            {"operation": "create", "schema": {"name": "basicauth_credentials"}}
        )
        change[b"entity"] = entity
        gateway.host[b"change"](change)
        self.assertEqual(entity[b"password"], b"s3cr3t")
        self.assertIsNotNone(entity[b"custom_id"])

    def test_what_cannot_be_searched_is_not_posted(self):
        broken = {"fields": [{"key": {"type": "record", "fields": 5}}]}
        self.assertIsNone(self.event_of("x", {"key": {"a": "s3cr3t"}}, definition=broken))
        self.assertEqual(len(self.gateway.lines()), 1)
        self.assertNotIn("s3cr3t", self.gateway.lines()[0])

    def test_the_plugins_own_secrets_are_marked(self):
        gateway = Gateway(None)
        config = config_of(gateway)
        for name in ("token", "ingest_url"):
            self.assertIs(config[name][b"encrypted"], True)
            self.assertIs(config[name][b"referenceable"], True)


if __name__ == "__main__":
    unittest.main()
