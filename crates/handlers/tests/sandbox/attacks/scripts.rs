//! The attacks.

/// What ends an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Stop {
    /// The time was over, and the interpreter stopped it.
    Time,
    /// The interpreter could not stop it, and its worker was killed.
    Kill,
    /// The heap was full.
    Memory,
    /// A function or the interpreter refused, as for any other error.
    Refused,
    /// The compiler refused.
    Compiler,
    /// It ended of its own accord, and did no harm.
    Itself,
}

use Stop::{Itself, Kill, Memory, Refused, Time};

/// A name, what may stop it (fast and slow machines differ), and the body of a function.
pub(in crate::sandbox) type Attack = (&'static str, &'static [Stop], &'static str);

pub(in crate::sandbox) const LOOPS: &[Attack] = &[
    ("a loop", &[Time], "while true do end"),
    ("a loop without a condition", &[Time], "repeat until false"),
    ("a loop to infinity", &[Time], "for i = 1, math.huge do end"),
    ("a loop in pcall", &[Time], "pcall(function() while true do end end)"),
    (
        "a loop of pcalls of loops",
        &[Time],
        "while true do pcall(function() while true do end end) end",
    ),
    (
        "a loop in pcalls in pcalls",
        &[Time],
        "local function f() pcall(f) while true do end end f()",
    ),
    (
        "work in many pcalls",
        &[Time, Kill, Memory],
        "local s = ('x'):rep(2^20)
         local function f(n) if n > 0 then pcall(f, n - 1) end s:reverse() s:upper() end f(15000)",
    ),
    ("a loop in a handler of errors", &[Time], "xpcall(error, function() while true do end end)"),
    (
        "a handler of errors that fails for ever",
        &[Itself, Refused],
        "local function f() xpcall(f, f) end f()",
    ),
    ("a loop in a coroutine", &[Time], "coroutine.wrap(function() while true do end end)()"),
    (
        "coroutines that loop, one after the other",
        &[Time],
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    ),
    (
        "two coroutines that yield for ever",
        &[Time],
        "local c = coroutine.wrap(function() while true do coroutine.yield() end end)
         while true do c() end",
    ),
    (
        "a loop in a deep nest of coroutines",
        &[Time],
        "local function f(n) if n == 0 then while true do end end
         return coroutine.wrap(f)(n - 1) end pcall(f, 150) f(150)",
    ),
    (
        "catching the end, and saying all is well",
        &[Time],
        "pcall(function() while true do end end) return 'survived'",
    ),
    (
        "catching the end, and raising something else",
        &[Time],
        "pcall(function() while true do end end) error('mine')",
    ),
    ("a loop in a replacement", &[Time], "('a'):gsub('a', function() while true do end end)"),
    ("a loop in a comparison", &[Time], "table.sort({1, 2}, function() while true do end end)"),
    ("a loop in an iteration", &[Time], "for _ in ('x'):gmatch('') do while true do end end"),
    ("a loop in a visit", &[Time], "table.foreach({1}, function() while true do end end)"),
    ("errors for ever", &[Time], "while true do pcall(error) end"),
    ("large errors for ever", &[Time], "while true do pcall(error, ('x'):rep(2^20)) end"),
];

pub(in crate::sandbox) const TEXT: &[Attack] = &[
    ("a catastrophic pattern", &[Time], "('a'):rep(1e5):find(('.-'):rep(20) .. 'b')"),
    ("another one", &[Time], "('a'):rep(1e6):match('(.*)(.*)(.*)(.*)x')"),
    (
        "one of many repetitions",
        &[Refused],
        "('a'):rep(50000):find(('a?'):rep(30) .. ('a'):rep(30))",
    ),
    ("balance that never comes", &[Time], "('('):rep(2^22):find('%b()')"),
    ("a frontier that never comes", &[Time], "('a'):rep(2^22):find('%f[b]c')"),
    ("a repetition of megabytes", &[Time], "('a'):rep(2^23):find('a*b')"),
    (
        "a set of 100,000 members",
        &[Refused],
        "('a'):rep(1e5):find('[' .. ('b'):rep(1e5) .. 'a]*c')",
    ),
    (
        "a set of 4,000 members, megabytes of text",
        &[Refused],
        "('a'):rep(2^23):find('[' .. ('b'):rep(4000) .. 'a]*c')",
    ),
    (
        "as large a set as is allowed",
        &[Time, Kill],
        "('a'):rep(8000):find('[' .. ('b'):rep(4000) .. 'a]*c')",
    ),
    ("a pattern of megabytes of zeros", &[Refused], "('x'):find(('\\0'):rep(2^23))"),
    ("parentheses without end", &[Refused], "('x'):find(('()'):rep(40))"),
    (
        "megabytes in megabytes",
        &[Refused],
        "local h = ('a'):rep(2^22) h:find(('a'):rep(2^21) .. 'b', 1, true)",
    ),
    (
        "64 KiB in megabytes, for ever",
        &[Time],
        "local h, n = ('a'):rep(2^22), ('a'):rep(2^16 - 1) .. 'b'
         while true do h:find(n, 1, true) end",
    ),
    (
        "little in little, for ever",
        &[Time],
        "local h, n = ('a'):rep(1000), ('a'):rep(500) .. 'b' while true do h:find(n, 1, true) end",
    ),
    ("a thousand million letters", &[Refused], "return #('x'):rep(2^30)"),
    ("ten thousand million letters", &[Refused], "return #('x'):rep(1e10)"),
    ("infinitely many letters", &[Refused], "return #('x'):rep(math.huge)"),
    ("nothing, very often", &[Itself], "return #(''):rep(2^31)"),
    ("nothing, with nothing between, very often", &[Itself], "return #(''):rep(1e15, '')"),
    ("a separator of megabytes", &[Refused], "return #('x'):rep(2^20, ('y'):rep(2^20))"),
    ("doubling", &[Memory, Time], "local s = 'x' while true do s = s .. s end"),
    (
        "doubling, all kept",
        &[Memory, Time],
        "local t, s = {}, 'x' while true do s = s .. s t[#t + 1] = s end",
    ),
    (
        "growing letter by letter",
        &[Time],
        "local s = ('x'):rep(2^16) while true do s = s .. 'x' end",
    ),
    (
        "format of megabytes",
        &[Memory, Time],
        "local s = ('x'):rep(2^23) return string.format('%s%s%s%s%s', s, s, s, s, s)",
    ),
    (
        "format of 7,000 numbers of 400 digits",
        &[Itself, Time],
        "local t = {} for i = 1, 7000 do t[i] = 1e308 end
         return #string.format(('%99.99f'):rep(7000), unpack(t))",
    ),
    (
        "a replacement that grows",
        &[Memory, Time],
        "return #('x'):rep(2^16):gsub('x', ('y'):rep(2^16))",
    ),
    ("a replacement of nothing", &[Time, Memory], "return #('x'):rep(2^23):gsub('', 'y')"),
    ("a replacement by a function of C", &[Time], "('a'):rep(2^22):gsub('a', string.upper)"),
    (
        "joining 400,000 numbers",
        &[Time, Itself, Memory],
        "local t = {} for i = 1, 4e5 do t[i] = i + 0.1 end return #table.concat(t)",
    ),
    (
        "joining with megabytes between",
        &[Memory, Time],
        "local t = {} for i = 1, 1e4 do t[i] = '' end return #table.concat(t, ('x'):rep(2^20))",
    ),
    ("joining 2^31 things that are not there", &[Refused], "table.concat({}, '', 1, 2^31)"),
    ("bytes of megabytes", &[Refused], "return ('x'):rep(2^22):byte(1, -1)"),
    (
        "a number of megabytes, for ever",
        &[Time],
        "local s = ('1'):rep(2^22) while true do tonumber(s) end",
    ),
    (
        "comparing megabytes, for ever",
        &[Time],
        "local s, t = ('x'):rep(2^22) .. 'a', ('x'):rep(2^22) .. 'b' while true do local _ = s < t end",
    ),
    ("digests of megabytes", &[Refused], "ngx.md5(('x'):rep(2^23))"),
    ("digests for ever", &[Time], "local s = ('x'):rep(2^20) while true do ngx.sha1_bin(s) end"),
    ("escapes for ever", &[Time], "local s = ('/'):rep(2^20) while true do ngx.escape_uri(s) end"),
    ("dates for ever", &[Time], "while true do os.date(('%c'):rep(500)) end"),
    ("a date of megabytes", &[Refused], "return #os.date(('%c'):rep(2^20))"),
    ("a date beyond time", &[Itself], "return {os.date('%c', 1e300), os.date('!%c', -1e300)}"),
    (
        "a time beyond time",
        &[Itself],
        "return os.time({year = 1e300, month = -1e300, day = 0/0, hour = 1/0})",
    ),
];

pub(in crate::sandbox) const TABLES: &[Attack] = &[
    (
        "parts first looked for in coroutines, with next to no memory left",
        &[Memory, Time],
        "local hoard = {}
         local function fill() while true do hoard[#hoard + 1] = {} end end
         local function look()
             return math.floor(1.5), bit.band(1, 1), os.time(), ngx.now(), table.concat({}, '')
         end
         pcall(fill)
         for _ = 1, 100 do
             for _ = 1, 10 do hoard[#hoard] = nil end
             pcall(function() coroutine.wrap(look)() end)
         end
         fill()",
    ),
    ("a table without end", &[Memory, Time], "local t = {} while true do t[#t + 1] = {} end"),
    (
        "a table of numbers without end",
        &[Memory, Time],
        "local t = {} for i = 1, math.huge do t[i] = i end",
    ),
    ("a table in a table without end", &[Memory, Time], "local t while true do t = {t} end"),
    (
        "coroutines without end",
        &[Memory, Time],
        "local t = {} while true do t[#t + 1] = coroutine.create(print) end",
    ),
    (
        "functions without end",
        &[Memory, Time],
        "local t = {} for i = 1, math.huge do t[i] = function() return i end end",
    ),
    (
        "strings without end",
        &[Memory, Time],
        "local t = {} for i = 1, math.huge do t[i] = 'k' .. i end",
    ),
    ("2^30 values", &[Refused], "return unpack({}, 1, 2^30)"),
    ("all there are of values", &[Refused], "return unpack({}, -2^31, 2^31 - 1)"),
    ("room for 2^31 values", &[Itself], "return #table.new(2^31, 2^31)"),
    (
        "sorting texts that differ at the end",
        &[Time],
        "local p, t = ('x'):rep(2^20), {} for i = 1, 20 do t[i] = p .. i end
         while true do table.sort(t) end",
    ),
    (
        "sorting by a function of C",
        &[Time],
        "local t = {} for i = 1, 5000 do t[i] = ('a'):rep(i % 1000) end
         while true do pcall(table.sort, t, string.find) end",
    ),
    (
        "sorting without order",
        &[Itself],
        "local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() return true end)",
    ),
    (
        "sorting what changes meanwhile",
        &[Itself],
        "local t = {3, 2, 1, 5, 4} table.sort(t, function(a, b) t[1] = nil t[9] = 1 return a < b end)",
    ),
    ("moving 2^30 values", &[Time, Memory], "table.move({1}, 1, 2^30, 2, {})"),
    ("moving infinitely many", &[Time, Memory], "table.move({1}, 1, math.huge, 1, {})"),
    (
        "visiting with a function of C",
        &[Time],
        "local t = {} for i = 1, 1e4 do t['a' .. i] = 2^20 end
         while true do table.foreach(t, string.rep) end",
    ),
    (
        "inserting at the front",
        &[Time],
        "local t = {} for i = 1, 5e5 do t[i] = i end while true do table.insert(t, 1, 0) end",
    ),
    (
        "inserting at the front of a table from its end",
        &[Time],
        "local t = {} for i = 2^16, 1, -1 do t[i] = i end while true do table.insert(t, 1, 0) end",
    ),
    (
        "removing at the front",
        &[Time],
        "local t = {} for i = 1, 5e5 do t[i] = i end
         while true do table.remove(t, 1) t[#t + 1] = 1 end",
    ),
    (
        "looking for the first of none",
        &[Time],
        "local t = {} for i = 1, 5e5 do t[i] = i end for i = 1, 5e5 do t[i] = nil end
         while true do next(t) end",
    ),
    (
        "keys that collide",
        &[Time, Memory],
        "local t = {} for i = 1, math.huge do t[i * 2^32] = 1 end",
    ),
];

pub(in crate::sandbox) const DEPTH: &[Attack] = &[
    ("recursion", &[Refused], "local function f() return 1 + f() end return f()"),
    ("recursion through pcall", &[Itself, Refused], "local function f() return pcall(f) end f()"),
    (
        "recursion through coroutines",
        &[Refused],
        "local function f() return coroutine.wrap(f)() end f()",
    ),
    (
        "recursion through replacements",
        &[Refused],
        "local function f() return (('a'):gsub('a', f)) end f()",
    ),
    ("recursion through sorting", &[Refused], "local function f() table.sort({1, 2}, f) end f()"),
    (
        "a coroutine that resumes itself",
        &[Itself],
        "local c c = coroutine.create(function() return coroutine.resume(c) end) coroutine.resume(c)",
    ),
    ("yielding from the top", &[Refused], "coroutine.yield()"),
    ("a result in itself", &[Itself], "local t = {} t.t = t return t"),
    (
        "a deep result",
        &[Itself],
        "local t = {} local r = t for i = 1, 1e4 do t.t = {} t = t.t end return r",
    ),
    (
        "a result that is a tree of itself",
        &[Itself],
        "local t = {} for i = 1, 40 do t = {t, t} end return t",
    ),
    ("a wide result", &[Itself, Time], "local t = {} for i = 1, 3e5 do t[i] = i end return t"),
    ("a result of megabytes", &[Itself], "return ('x'):rep(2^23)"),
    ("thousands of results", &[Itself], "return unpack({}, 1, 7000)"),
    ("false and megabytes", &[Refused], "return false, ('x'):rep(2^23)"),
    ("JSON of a table in itself", &[Refused], "local t = {} t.t = t require('cjson').encode(t)"),
    (
        "JSON of a deep table",
        &[Refused],
        "local t = {} local r = t for i = 1, 1e4 do t[1] = {} t = t[1] end require('cjson').encode(r)",
    ),
    (
        "JSON of a tree of itself",
        &[Time, Refused],
        "local t = {} for i = 1, 40 do t = {t, t} end require('cjson').encode(t)",
    ),
    ("JSON of control characters", &[Time, Refused], "require('cjson').encode(('\\1'):rep(2^22))"),
    ("JSON of almost nothing", &[Refused], "require('cjson').encode({[2^52] = 1})"),
    ("deep JSON", &[Refused], "require('cjson').decode(('['):rep(1e6))"),
    ("wide JSON", &[Time, Memory], "require('cjson').decode('[' .. ('[],'):rep(2^20) .. '0]')"),
    (
        "JSON of digits",
        &[Time, Refused, Itself],
        "require('cjson').decode('0.' .. ('1'):rep(2^22))",
    ),
    ("errors that are tables", &[Refused], "error({code = 1})"),
    ("errors that are nothing", &[Refused], "error(nil)"),
    ("errors that are tables in themselves", &[Refused], "local t = {} t.t = t error(t)"),
    ("errors that are functions", &[Refused], "error(function() end)"),
    ("errors of megabytes", &[Refused], "error(('x'):rep(2^22))"),
    ("errors of bytes", &[Refused], "error('\\255\\254\\0')"),
    ("a log without end", &[Time], "while true do kong.log.err('x') end"),
    ("a log of megabytes", &[Itself], "kong.log.err(('x'):rep(2^22))"),
    (
        "looking at much, for ever",
        &[Time],
        "local t = {} for i = 1, 1e4 do t[i] = {} end while true do kong.log.inspect(t, t, t) end",
    ),
];

pub(in crate::sandbox) const TAMPERING: &[Attack] = &[
    ("replacing a function", &[Refused], "string.char = 1"),
    ("adding a function", &[Refused], "string.mine = 1"),
    ("emptying a library", &[Refused], "table.clear(string)"),
    ("inserting into a library", &[Refused], "table.insert(table, 1)"),
    ("moving into a library", &[Refused], "table.move({1}, 1, 1, 1, string)"),
    ("replacing the log", &[Refused], "kong.log.err = print"),
    ("replacing the gateway's functions", &[Refused], "ngx.null = 1"),
    ("replacing a module", &[Refused], "require('cjson').encode = print"),
    ("giving a text a field", &[Refused], "local s = '' s.upper = print"),
    ("reaching the methods of text", &[Refused], "getmetatable('').__index = print"),
    ("replacing the environment", &[Refused], "setfenv(0, {string = {}})"),
    ("a metatable", &[Refused], "setmetatable({}, {__gc = function() while true do end end})"),
    ("a proxy", &[Refused], "newproxy(true)"),
    ("stopping the garbage collector", &[Refused], "collectgarbage('stop')"),
    ("removing the watch", &[Refused], "debug.sethook()"),
    ("code from text", &[Refused], "loadstring('return 1')()"),
    ("a command", &[Refused], "os.execute('true')"),
    ("an exit", &[Refused], "os.exit(0)"),
    ("the environment's variables", &[Refused], "return os.getenv('HOME')"),
    ("a file", &[Refused], "return io.open('/etc/passwd')"),
    ("a module by path", &[Refused], "require('../../etc/passwd')"),
    ("a socket", &[Refused], "ngx.socket.tcp()"),
    ("a buffer", &[Refused], "buffer.create(2^30)"),
    (
        "globals left behind",
        &[Itself],
        "leak = 1 string = nil error = nil pairs = print kong.ctx.shared.leak = 1
         kong.ctx.plugin.leak = 1",
    ),
    ("chance", &[Itself], "for i = 1, 1000 do math.random() end"),
];
