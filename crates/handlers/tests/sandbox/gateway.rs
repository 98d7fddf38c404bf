//! What is there of Lua and of the gateway, and that it does what it does there.

use super::*;

#[tokio::test]
async fn functions_of_the_gateway_do_what_they_do_there() {
    let sandbox = sandbox();
    for (expression, expected) in [
        // Text.
        ("string.format('%s %s %s', nil, true, 1)", json!("nil true 1")),
        ("string.format('%5s|%-5s|%%|%d', nil, 'a', 3)", json!("  nil|a    |%|3")),
        ("('a'):rep(3, ',')", json!("a,a,a")),
        ("('x'):rep(0, ',')", json!("")),
        ("('hello'):find('l', 1, true)", json!(3)),
        ("('key = value'):match('^(%w+)%s*=%s*(%w+)$')", json!("key")),
        ("(('hello'):gsub('l', {l = 'L'}))", json!("heLLo")),
        ("(('hello'):gsub('.', function(c) return c:upper() end))", json!("HELLO")),
        ("select(2, ('aaa'):gsub('a', 'b', 2))", json!(2)),
        ("_VERSION", json!("Lua 5.1")),
        ("math.pow(2, 3) + math.log10(100)", json!(10)),
        ("type(os.time()) .. type(os.clock())", json!("numbernumber")),
        ("os.date('!%Y-%m-%d', 0)", json!("1970-01-01")),
        ("os.time({year = 2026, month = 1, day = 1, hour = 0})", json!(1_767_225_600)),
        // Tables.
        ("table.concat({1, 'a', 2.5}, '-')", json!("1-a-2.5")),
        ("table.concat({1, 2, 3, 4}, ',', 2, 3)", json!("2,3")),
        ("(function() local t = {3, 1, 2} table.sort(t) return t end)()", json!([1, 2, 3])),
        (
            "(function() local t = {3, 1, 2}
              table.sort(t, function(a, b) return a > b end) return t end)()",
            json!([3, 2, 1]),
        ),
        ("table.move({1, 2, 3}, 1, 3, 2)", json!([1, 1, 2, 3])),
        ("table.move({1, 2, 3}, 2, 3, 1, {9, 9, 9})", json!([2, 3, 9])),
        ("table.maxn({1, 2, [5] = 1})", json!(5)),
        ("table.nkeys({a = 1, 2})", json!(2)),
        ("table.isarray({1, 2}) and not table.isarray({a = 1})", json!(true)),
        ("table.isempty({})", json!(true)),
        ("#table.new(10, 0)", json!(0)),
        ("table.foreach({a = 1}, function(k, v) return k .. v end)", json!("a1")),
        ("table.foreachi({5, 6}, function(i, v) if v == 6 then return i end end)", json!(2)),
        ("select('#', unpack({1, nil, 3}, 1, 3))", json!(3)),
        // Bits are signed.
        ("bit.band(7, 3)", json!(3)),
        ("bit.bor(1, 2, 4)", json!(7)),
        ("bit.bxor(0xff, 0x0f)", json!(0xf0)),
        ("bit.bnot(0)", json!(-1)),
        ("bit.lshift(1, 31)", json!(-2_147_483_648_i64)),
        ("bit.lshift(1, 32)", json!(1)),
        ("bit.rshift(-1, 28)", json!(15)),
        ("bit.arshift(-256, 4)", json!(-16)),
        ("bit.rol(0x12345678, 8)", json!(0x3456_7812)),
        ("bit.ror(0x12345678, 8)", json!(0x7812_3456)),
        ("bit.bswap(0x12345678)", json!(0x7856_3412)),
        ("bit.tobit(0xffffffff)", json!(-1)),
        ("bit.tobit(2^32 + 5)", json!(5)),
        ("bit.tohex(255)", json!("000000ff")),
        ("bit.tohex(-1, -4)", json!("FFFF")),
        // ngx.
        ("ngx.md5('hello')", json!("5d41402abc4b2a76b9719d911017c592")),
        ("#ngx.md5_bin('hello')", json!(16)),
        ("ngx.encode_base64(ngx.sha1_bin('hello'))", json!("qvTGHdzF6KLavt4PO0gs2a6pQ00=")),
        ("ngx.encode_base64(ngx.hmac_sha1('key', 'hello'))", json!("s0zqxFFv8joUPmHXnQ+npPvl8mY=")),
        ("ngx.md5(nil) == ngx.md5('')", json!(true)),
        ("ngx.encode_base64('a')", json!("YQ==")),
        ("ngx.encode_base64('a', true)", json!("YQ")),
        ("ngx.decode_base64('YQ==') .. ngx.decode_base64('YQ')", json!("aa")),
        ("ngx.decode_base64('!') == nil", json!(true)),
        ("ngx.escape_uri('a b/c?d=é~_-.')", json!("a%20b%2Fc%3Fd%3D%C3%A9~_-.")),
        ("ngx.unescape_uri('a%20b+c%2')", json!("a b c%2")),
        ("ngx.encode_args({a = {1, 2}})", json!("a=1&a=2")),
        ("ngx.decode_args('a=1&a=2&b&c=%20')", json!({"a": ["1", "2"], "b": true, "c": " "})),
        ("ngx.http_time(0)", json!("Thu, 01 Jan 1970 00:00:00 GMT")),
        ("ngx.time() > 1.7e9 and ngx.now() > 1.7e9", json!(true)),
        ("ngx.ERR .. ngx.HTTP_OK", json!("4200")),
        ("tostring(ngx.null)", json!("userdata: NULL")),
        // JSON.
        ("require('cjson').encode({1, 2, {a = ngx.null}})", json!("[1,2,{\"a\":null}]")),
        ("require('cjson').encode({})", json!("{}")),
        ("require('cjson').encode(require('cjson').empty_array)", json!("[]")),
        ("require('cjson').encode(data.entity.tags)", json!("[]")),
        ("require('cjson').encode('a/b\\n\"\\1')", json!("\"a\\/b\\n\\\"\\u0001\"")),
        ("require('cjson').encode({[1] = 1, [3] = 3})", json!("[1,null,3]")),
        ("require('cjson').encode(0.1 + 0.2)", json!("0.3")),
        ("require('cjson').encode({[2.5] = 1})", json!("{\"2.5\":1}")),
        ("require('cjson').decode('{\"a\": [1, null]}').a[2] == ngx.null", json!(true)),
        (
            "require('cjson').decode('{\"a\": [1, 2.5, \"x\", true]}')",
            json!({"a": [1, 2.5, "x", true]}),
        ),
        ("select(2, require('cjson.safe').decode('{')) ~= nil", json!(true)),
        (
            "select(2, require('cjson.safe').encode(print))",
            json!("Cannot serialise function: type not supported"),
        ),
        ("not pcall(require('cjson').decode, '{')", json!(true)),
        ("require('bit') == bit and require('cjson') == require('cjson')", json!(true)),
        // kong.
        ("kong.configuration.pg_password", json!("******")),
        ("kong.configuration.database == nil", json!(true)),
        ("kong.licensing and kong.licensing.anything or 'nothing'", json!("nothing")),
        ("kong.table.merge({a = 1}, {b = 2})", json!({"a": 1, "b": 2})),
    ] {
        let ran = run_body(&sandbox, &format!("return {expression}")).await;
        assert_eq!(failure_of(&ran), "", "{expression}");
        assert_eq!(ran.returns, [expected], "{expression}");
    }
}
