//! Values of sizes and shapes that nobody means.

use super::scripts::{
    Attack,
    Stop::{Itself, Memory, Refused, Time},
};

pub(super) const VALUES: &[Attack] = &[
    (
        "joining a million empty texts",
        &[Itself, Time],
        "local t={} for i=1,1e6 do t[i]='' end return #table.concat(t)",
    ),
    (
        "joining with long texts between",
        &[Memory, Time],
        "local t={} for i=1,1e5 do t[i]='' end return #table.concat(t,('x'):rep(300))",
    ),
    (
        "joining ranges that are none",
        &[Itself],
        "return pcall(table.concat,{},'',0/0,1/0),pcall(table.concat,{1},'',-1/0,1/0)",
    ),
    (
        "inserting at places that are none",
        &[Itself],
        "local t={} for _,p in {0/0,1/0,-1/0,2^31,-2^31,0,1.5} do pcall(table.insert,t,p,1)
         end return t",
    ),
    (
        "inserting far behind the end",
        &[Itself],
        "local t={} t[2^26]=1 table.insert(t,2^26-5,1) return #t",
    ),
    (
        "removing at places that are none",
        &[Itself],
        "local t={1,2,3} for _,p in {0/0,1/0,-1/0,2^31,-2^31,0,1.5} do
         pcall(table.remove,t,p) end return t",
    ),
    ("moving everything onto itself", &[Time, Memory], "table.move({1},-1/0,1/0,1)"),
    (
        "moving nothing to nowhere",
        &[Time, Memory],
        "table.move({1},0/0,1,1) table.move({1},1,0/0,1) table.move({1},1,1e308,1e308)",
    ),
    (
        "copies of libraries",
        &[Itself],
        "local m=table.clone(math) m.floor=print return math.floor(1.5)",
    ),
    (
        "a copy of the log that is called",
        &[Itself],
        "local k=table.clone(kong.log) k('hi') k.err=nil kong.log.err('still')",
    ),
    (
        "visiting what goes away",
        &[Refused],
        "local t={} for i=1,1e3 do t[i]=i end table.foreach(t,function(k,v) t[k]=nil
         t['x'..k]=v end)",
    ),
    ("adding while visiting", &[Itself], "local t={a=1} for k,v in pairs(t) do t[k..'x']=1 end"),
    (
        "sorting half a million",
        &[Time, Itself],
        "local t={} for i=1,5e5 do t[i]=-i end table.sort(t)",
    ),
    (
        "sorting what has no order",
        &[Itself, Time],
        "local t={} for i=1,1e4 do t[i]=0/0 end table.sort(t) return #t",
    ),
    (
        "long keys without end",
        &[Time],
        "local t={} for i=1,1e9 do t[('x'):rep(100)..i..('y'):rep(100)]=1 end",
    ),
    ("fractions as keys without end", &[Time], "local t={} for i=1,1e9 do t[i+0.5]=1 end"),
    ("notes without end", &[Time], "for i=1,1e9 do kong.ctx.shared[i]={} end"),
    (
        "a million small texts as JSON",
        &[Time, Itself],
        "local cjson=require'cjson' return #cjson.decode('['..('\"ab\",'):rep(3e5)..'1]')",
    ),
    (
        "very many names as JSON",
        &[Time, Itself],
        "local cjson=require'cjson' local t={} for i=1,1e5 do t[i]='\"k'..i..'\":1' end
         return cjson.decode('{'..table.concat(t,',')..'}')",
    ),
    (
        "the same name very often",
        &[Time, Itself],
        "local cjson=require'cjson'
         return cjson.decode('{'..('\"a\":1,'):rep(2e5)..'\"a\":2}')",
    ),
    (
        "megabytes of escapes",
        &[Itself, Time],
        "local cjson=require'cjson'
         return #cjson.decode('\"'..('\\\\u00e9'):rep(1.3e6)..'\"')",
    ),
    (
        "megabytes of blanks",
        &[Memory, Time],
        "local cjson=require'cjson' return cjson.decode((' '):rep(2^24)..'1')",
    ),
    (
        "very many long numbers",
        &[Time],
        "local cjson=require'cjson'
         local s='['..('0.1234567890123456789012345678901234567890,'):rep(1e5)..'1]'
         while true do cjson.decode(s) end",
    ),
    (
        "an exponent of megabytes",
        &[Refused],
        "local cjson=require'cjson' return cjson.decode('1e'..('9'):rep(2^20))",
    ),
    (
        "JSON that is half empty",
        &[Time, Itself],
        "local cjson=require'cjson' local t={} for i=1,1e6,2 do t[i]=1 end return
         pcall(cjson.encode,t)",
    ),
    (
        "JSON of 999 tables in each other, for ever",
        &[Time],
        "local cjson=require'cjson' local t={} for i=1,998 do t={a=t} end while true
         do cjson.encode(t) end",
    ),
    (
        "JSON of very many names, for ever",
        &[Time],
        "local cjson=require'cjson' local t={} for i=1,1e5 do t['k'..i]={} end while true
         do cjson.encode(t) end",
    ),
    (
        "a log of very many pieces of megabytes",
        &[Time],
        "local s=('x'):rep(2^20) local t={} for i=1,4000 do t[i]=s end while true do
         pcall(kong.log.err,unpack(t)) end",
    ),
    (
        "looking at a wide table",
        &[Time, Itself],
        "local t={} for i=1,1e6 do t[i]=i end kong.log.inspect(t)",
    ),
    (
        "merging for ever",
        &[Time],
        "local t={} for i=1,2e5 do t['k'..i]=i end while true do kong.table.merge(t,t) end",
    ),
    (
        "a result of very many names",
        &[Time, Itself],
        "local t={} for i=1,1e5 do t['k'..i]=('x'):rep(50) end return t",
    ),
    (
        "everything there is as a result",
        &[Itself],
        "return {string,table,math,bit,os,io,jit,kong,ngx,coroutine,require'cjson'}",
    ),
    ("the event in itself", &[Itself], "data.data=data return data"),
];
