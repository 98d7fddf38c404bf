//! Values, lists and objects: where a pattern looks.

use serde_json::json;

use super::check;

#[test]
fn a_pattern_has_the_shape_of_its_events() {
    check(&[
        ("null", json!({"a": [null]}), json!({"a": null}), true),
        ("null is there", json!({"a": [null]}), json!({}), false),
        ("true", json!({"a": [true]}), json!({"a": true}), true),
        ("true is no text", json!({"a": [true]}), json!({"a": "true"}), false),
        ("1 and 1.0", json!({"a": [1]}), json!({"a": 1.0}), true),
        ("300, 300.0 and 3.0e2", json!({"a": [300]}), json!({"a": [3.0e2]}), true),
        ("0 and -0.0", json!({"a": [0]}), json!({"a": -0.0}), true),
        ("1 is no text", json!({"a": [1]}), json!({"a": "1"}), false),
        (
            "a large whole number is exact",
            json!({"a": [9_007_199_254_740_993_u64]}),
            json!({"a": 9_007_199_254_740_992_u64}),
            false,
        ),
        (
            "a list and a list that have something in common",
            json!({"a": ["x", "y"]}),
            json!({"a": ["z", "y"]}),
            true,
        ),
        ("a list and a list that have not", json!({"a": ["x"]}), json!({"a": ["y", "z"]}), false),
        ("null is no empty list", json!({"a": [null]}), json!({"a": []}), false),
        ("null is no empty text", json!({"a": [null]}), json!({"a": ""}), false),
        (
            "objects in lists in lists",
            json!({"employees": {"firstName": ["Anna"], "lastName": ["Smith"]}}),
            json!({"employees": [[{"firstName": "John", "lastName": "Doe"}], [{"firstName": "Anna", "lastName": "Smith"}]]}),
            true,
        ),
        (
            "of two objects in a list, each has half",
            json!({"employees": {"firstName": ["Anna"], "lastName": ["Jones"]}}),
            json!({"employees": [{"firstName": "Anna", "lastName": "Smith"}, {"firstName": "Peter", "lastName": "Jones"}]}),
            false,
        ),
        (
            "a dot is a letter of a name",
            json!({"detail": {"state.status": ["running"]}}),
            json!({"detail": {"state": {"status": "running"}}}),
            false,
        ),
        (
            "deep inside",
            json!({"entity": {"config": {"tags": ["x"]}}}),
            json!({"entity": {"config": {"tags": ["y", "x"]}}}),
            true,
        ),
        ("an element of a list", json!({"a": ["x"]}), json!({"a": [["y"], ["x"]]}), true),
        ("no element of an empty list", json!({"a": [{"exists": true}]}), json!({"a": []}), false),
        (
            "one element matches all that is said",
            json!({"a": {"x": [1], "y": [4]}}),
            json!({"a": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}),
            false,
        ),
        (
            "and one that does",
            json!({"a": {"x": [3], "y": [4]}}),
            json!({"a": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}),
            true,
        ),
        ("an object where a leaf is wanted", json!({"a": ["x"]}), json!({"a": {"b": "x"}}), false),
        ("a leaf where an object is wanted", json!({"a": {"b": ["x"]}}), json!({"a": "x"}), false),
    ]);
}
