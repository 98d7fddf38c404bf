"""Do filters that the server takes fit the document, as they are sent and as they are shown?

Each operator stands here in each of its shapes. How they are read is in crates/hooks/src/filter.
"""

import jsonschema

ANY_CASE = {"equals-ignore-case": "Ab"}

ENTRIES = [
    "a",
    "",
    1,
    -1.5e300,
    True,
    None,
    {"prefix": "a"},
    {"prefix": ""},
    {"prefix": ANY_CASE},
    {"suffix": "a"},
    {"suffix": ANY_CASE},
    ANY_CASE,
    {"equals-ignore-case": ""},
    {"wildcard": ""},
    {"wildcard": "*a*"},
    {"wildcard": "\\**\\\\"},
    {"anything-but": "a"},
    {"anything-but": ["a", ""]},
    {"anything-but": 1},
    {"anything-but": [1, 2.5]},
    {"anything-but": {"prefix": "a"}},
    {"anything-but": {"prefix": ["a", ANY_CASE]}},
    {"anything-but": {"prefix": ANY_CASE}},
    {"anything-but": {"suffix": "a"}},
    {"anything-but": {"suffix": ["a", ANY_CASE]}},
    {"anything-but": {"suffix": ANY_CASE}},
    {"anything-but": ANY_CASE},
    {"anything-but": {"equals-ignore-case": ["a", ""]}},
    {"anything-but": {"wildcard": "a*"}},
    {"anything-but": {"wildcard": ["a*", "*b"]}},
    {"numeric": ["=", 1]},
    {"numeric": ["<", 1]},
    {"numeric": ["<=", 1]},
    {"numeric": [">", 1]},
    {"numeric": [">=", 1]},
    {"numeric": [">", 0, "<=", 5]},
    {"numeric": [">=", 0, "<", 5.5]},
    {"numeric": ["<", 10, ">=", 0]},
    {"numeric": ["<=", 10, ">", 0]},
    {"exists": True},
    {"exists": False},
    {"cidr": "10.0.0.0/24"},
    {"cidr": "2001:db8::/32"},
]

PATTERNS = [
    *({"a": [entry]} for entry in ENTRIES),
    {"a": ENTRIES},
    {"a": {"b": {"c": ["x", {"prefix": "y"}]}}},
    {"": [1]},
    {"$or": [{"a": [1]}, {"b": {"c": [2]}}]},
    {"a": {"$or": [{"b": [1]}, {"$or": [{"c": [2]}, {"d": [3]}]}], "e": [4]}},
]

REFUSED = [
    {},
    {"a": []},
    {"a": "b"},
    {"a": [["b"]]},
    {"a": [{}]},
    {"a": [{"prefix": 1}]},
    {"a": [{"prefix": "a", "suffix": "b"}]},
    {"a": [{"sounds-like": "b"}]},
    {"a": [{"wildcard": "**"}]},
    {"a": [{"anything-but": []}]},
    {"a": [{"anything-but": ["a", 1]}]},
    {"a": [{"anything-but": {"prefix": ""}}]},
    {"a": [{"anything-but": {"suffix": {"equals-ignore-case": ""}}}]},
    {"a": [{"numeric": ["=", 1, "<", 2]}]},
    {"a": [{"numeric": ["<", 1, "<=", 2]}]},
    {"a": [{"exists": "yes"}]},
    {"$or": [{"a": [1]}]},
]


def check(ingest, document):
    """Sends each of them, and compares what the server says with what the document says."""

    def of(name):
        reference = {"$ref": f"#/components/schemas/{name}"}
        return jsonschema.Draft202012Validator(reference | {"components": document["components"]})

    pattern, wanted, shown = of("EventPattern"), of("HookWanted"), of("Hook")
    hook = {"source": "crud", "event": "consumers", "handler": "log"}
    for filter_ in PATTERNS:
        pattern.validate(filter_)
        wanted.validate(hook | {"filter": filter_})
        status, made = ingest.ask("POST", "/event-hooks", hook | {"filter": filter_})
        assert status == 201, f"{filter_}: {made}"
        path = f"/event-hooks/{made['id']}"
        _, answer = ingest.ask("GET", path)
        shown.validate(answer)
        assert answer["filter"] == filter_, answer
        ingest.ask("DELETE", path)
    for filter_ in REFUSED:
        assert not pattern.is_valid(filter_), filter_
        status, answer = ingest.ask("POST", "/event-hooks", hook | {"filter": filter_})
        assert status == 400, f"{filter_}: {answer}"
