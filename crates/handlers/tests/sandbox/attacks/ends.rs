//! Ends that are caught, and beginnings at the end.

use super::scripts::{
    Attack,
    Stop::{Itself, Memory, Refused, Time},
};

pub(super) const ENDS: &[Attack] = &[
    (
        "time-outs kept",
        &[Time],
        "local t={} for i=1,1e6 do local ok,e=pcall(function() while true do end end) t[i]=e
         end",
    ),
    (
        "a full memory caught for ever",
        &[Time],
        "while true do pcall(function() local t={} while true do t[#t+1]=('x'):rep(2^20)..#t
         end end) end",
    ),
    (
        "a full memory raised again",
        &[Memory, Time],
        "local ok,e=pcall(function() local t={} while true do t[#t+1]=('x'):rep(2^20)..#t end
         end) error(e)",
    ),
    (
        "a full memory as a name",
        &[Itself, Time],
        "local ok,e=pcall(function() local t={} while true do t[#t+1]=('x'):rep(2^20)..#t end
         end) local t={} t[e]=1 return t",
    ),
    (
        "a handler that fills the memory again",
        &[Itself, Time],
        "xpcall(function() local t={} while true do t[#t+1]=('x'):rep(2^20)..#t end end,
         function(e) local t={} while true do t[#t+1]={} end end)",
    ),
    ("an error that looks like a full memory", &[Memory], "error('not enough memory')"),
    ("an error that looks like a time-out", &[Refused], "error('the time of the script is over')"),
    (
        "errors of all levels",
        &[Itself],
        "for i=-1e3,1e3 do pcall(error,'x',i) end pcall(error,'x',1e308) pcall(error,'x',0/0)",
    ),
    (
        "calls within calls within pcall",
        &[Itself, Time],
        "local f=function(...) return ... end for i=1,1e5 do f=(function(g) return
         function(...) return pcall(g,...) end end)(f) end return f(1)",
    ),
    ("coroutines that end at once", &[Time], "while true do coroutine.wrap(function() end)() end"),
    (
        "coroutines that are never ended",
        &[Memory, Time],
        "local t={} for i=1,1e6 do t[i]=coroutine.wrap(function() coroutine.yield() end)
         t[i]() end",
    ),
    (
        "7,000 values through a coroutine",
        &[Time],
        "local c=coroutine.wrap(function(...) while true do coroutine.yield(...) end end)
         while true do c(unpack({},1,7000)) end",
    ),
    (
        "yielding from a replacement",
        &[Refused],
        "return coroutine.wrap(function() return (('aaa'):gsub('a',coroutine.yield)) end)()",
    ),
    (
        "yielding from a comparison",
        &[Itself],
        "return coroutine.wrap(function() table.sort({3,2,1},coroutine.yield) end)()",
    ),
    (
        "resuming who resumes",
        &[Refused],
        "local co=coroutine.running() return coroutine.wrap(function()
         return coroutine.resume(co) end)()",
    ),
    (
        "libraries first used in a coroutine",
        &[Itself],
        "return coroutine.wrap(function()
         return math.floor(1.5), ngx.time(), kong.log.err('x'), table.concat({1}) end)()",
    ),
    (
        "libraries first used at the end of the stack",
        &[Itself],
        "local function f() local ok=pcall(f) if not ok then return math.max(1,2)+ngx.time()
         end end f() return math.floor(2.5)",
    ),
    (
        "libraries first used with a full memory",
        &[Itself, Time],
        "local function fill(left) local t={} pcall(function() while true do
         t[#t+1]=('x'):rep(left)..#t end end) return t end for _,l in {2^20,2^16,2^12,2^8,64}
         do local t=fill(l) for _,n in {1,2,3,4} do pcall(function()
         return bit.band(1,1), os.time(), math.abs(1),
         table.concat({}), kong.log.err, ngx.null, require'cjson', coroutine.wrap end)
         end t=nil end return bit.band(3,1)",
    ),
    (
        "libraries first used deep in replacements",
        &[Time, Itself],
        "local function f(n) if n==0 then return ngx.md5('x') end
         return (('a'):gsub('a',function() return f(n-1) end)) end for n=150,250 do
         pcall(f,n) end return ngx.md5('x')",
    ),
    (
        "stacks that overflow for ever",
        &[Time],
        "local function f() f() end while true do pcall(f) end",
    ),
];
