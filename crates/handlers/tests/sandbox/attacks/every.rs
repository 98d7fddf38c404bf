//! Every function that a script can reach, with arguments that nobody means.

use super::*;

/// Walks all that there is. A list, for a script could not be longer than that.
const WALK: &str = "
    local roots = {
        assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, pcall = pcall,
        print = print, select = select, tonumber = tonumber, tostring = tostring, type = type,
        unpack = unpack, xpcall = xpcall, require = require, string = string, table = table,
        math = math, bit = bit, coroutine = coroutine, os = os, io = io, kong = kong, ngx = ngx,
        [\"require'cjson'\"] = require('cjson'), [\"require'cjson.safe'\"] = require('cjson.safe'),
    }
    local names, seen = {}, {}
    local function walk(name, value)
        if type(value) == 'function' then
            names[#names + 1] = name
        elseif type(value) == 'table' and not seen[value] then
            seen[value] = true
            for key, member in pairs(value) do
                walk(name .. '.' .. tostring(key), member)
            end
        end
    end
    for name, value in pairs(roots) do
        walk(name, value)
    end
    return names";

/// Calls a function with one, two and three of them.
const CALLS: &str = "
    local cycle, wide, deep = {}, {}, {}
    cycle.cycle = cycle
    for i = 1, 2000 do wide[i] = i end
    for i = 1, 300 do deep = {deep} end
    local values = {
        0/0, 1/0, -1/0, -0, 1, -1, 2^31, -2^31, 2^53, 1e308, 0.5, '', 'x', '%s', '%99.99f', '\\0',
        ('x'):rep(2^20), cycle, wide, deep, {}, true, print, error, coroutine.create(print),
        ngx.null, function() error(cycle) end, function(...) return ... end,
    }
    values[#values + 1] = coroutine.wrap(function() while true do coroutine.yield(values) end end)
    local count = #values + 1
    for i = 1, count do
        pcall(call, values[i])
        for j = 1, count do
            pcall(call, values[i], values[j])
        end
    end
    for i = 1, count, 4 do
        for j = 1, count, 3 do
            for k = 1, count, 2 do
                pcall(call, values[j], values[i], values[k], values[j])
            end
        end
    end";

#[tokio::test]
async fn no_function_does_harm_whatever_it_is_called_with() {
    let sandbox = sandbox();
    let names = run_body(&sandbox, WALK).await.returns.remove(0);
    let names: Vec<String> = serde_json::from_value(names).unwrap();
    assert!(names.len() >= 140, "only {} functions", names.len());
    for name in names {
        let source = format!("return function(data) local call = {name} {CALLS} end");
        attack(&sandbox, &name, &[Itself, Time, Memory, Refused], &source).await;
    }
}
