//! Arguments that nobody means.

use super::scripts::{
    Attack,
    Stop::{Itself, Memory, Refused, Time},
};

pub(super) const ARGUMENTS: &[Attack] = &[
    (
        "a URL of megabytes",
        &[Itself, Time],
        "return require'resty.http'.new():request_uri('http://x/'..('y'):rep(1e7))",
    ),
    (
        "a method of megabytes",
        &[Itself],
        "return require'resty.http'.new():request_uri('http://x',{method=('M'):rep(2^20)})",
    ),
    (
        "headers of megabytes",
        &[Itself, Time],
        "local v=('x'):rep(2^20) local h={} for i=1,100 do h['h'..i]=v end
         return require'resty.http'.new():request_uri('http://x',{headers=h})",
    ),
    (
        "headers without end",
        &[Time, Itself],
        "local h={} for i=1,1e5 do h[i]='x' end
         return require'resty.http'.new():request_uri('http://x',{headers=h})",
    ),
    (
        "a header of very many values",
        &[Time, Itself],
        "local v={} for i=1,1e5 do v[i]='x' end
         return require'resty.http'.new():request_uri('http://x',{headers={a=v}})",
    ),
    (
        "a body of very many pieces",
        &[Itself, Time],
        "local v={} for i=1,2e5 do v[i]='xxxx' end
         return require'resty.http'.new():request_uri('http://x',{body=v})",
    ),
    (
        "a body of megabytes",
        &[Memory, Time],
        "local v={} for i=1,16 do v[i]=('x'):rep(2^20) end
         return require'resty.http'.new():request_uri('http://x',{body=v})",
    ),
    (
        "a query in itself",
        &[Itself],
        "local q={} q.q=q return require'resty.http'.new():request_uri('http://x',{query=q})",
    ),
    (
        "a very long query",
        &[Time, Refused],
        "local q={} for i=1,1e5 do q[i]=i end
         return require'resty.http'.new():request_uri('http://x',{query=q})",
    ),
    (
        "times that are none, for requests",
        &[Itself],
        "local c=require'resty.http'.new() c:set_timeouts(1/0,-1/0,1e308)
         return c:request_uri('http://x')",
    ),
    (
        "a client that is something else",
        &[Itself],
        "local c=require'resty.http'.new() c.timeout={} c.request_uri=nil
         return c:request_uri('http://x',{ssl_verify='x'})",
    ),
    (
        "quoting megabytes of zeros",
        &[Itself, Time],
        "return #string.format('%q',('\\0'):rep(2^20))",
    ),
    ("a width of 99,999", &[Refused], "return string.format('%99999d',1)"),
    (
        "7,000 texts in one format",
        &[Itself],
        "return #string.format(('%s'):rep(7000),unpack({},1,7000))",
    ),
    ("a format of percent signs", &[Itself, Time], "return #string.format(('%%'):rep(2^21))"),
    ("a format of flags", &[Refused], "return string.format('%'..('-'):rep(2^20)..'d',1)"),
    (
        "text of megabytes with a width, and nil",
        &[Refused, Time],
        "while true do string.format(('%5.5s'):rep(2^16)..'%s', nil) end",
    ),
    (
        "a replacement of 100 captures",
        &[Time, Memory],
        "return #(('x'):rep(2^20):gsub('(.)',('%1'):rep(100)))",
    ),
    (
        "a table of replacements",
        &[Memory, Time],
        "local t={} for i=0,255 do t[string.char(i)]=('y'):rep(2^16) end
         return #(('x'):rep(2^20):gsub('.',t))",
    ),
    ("32 captures", &[Time, Itself], "return (('x'):rep(2^20):gsub(('(.)'):rep(32),'%32'))"),
    (
        "empty matches in megabytes",
        &[Time, Itself],
        "local n=0 for a in ('x'):rep(2^22):gmatch('.-') do n=n+1 end return n",
    ),
    ("iterators that nobody uses", &[Time], "while true do ('x'):rep(2^20):gmatch('x')() end"),
    ("references to captures", &[Time, Itself], "return (('a'):rep(2^20)):match('(a*)%1%1b')"),
    (
        "repetitions of repetitions",
        &[Time, Itself],
        "return ('a'):rep(200):match(('a*'):rep(24)..'b')",
    ),
    (
        "places that are no numbers",
        &[Itself],
        "return ('x'):find('x',2^53),('x'):find('x',-2^53),('x'):find('x',0/0),('x'):find('',1/0)",
    ),
    (
        "needles almost as long as the hay",
        &[Time],
        "local h=('a'):rep(1000) local n=('a'):rep(999)..'b' for i=1,1e9 do h:find(n,1,true)
         end",
    ),
    ("all bytes at once", &[Time], "local s=('x'):rep(7000) while true do s:byte(1,-1) end"),
    (
        "counts that are no numbers",
        &[Itself],
        "return ('x'):rep(-1/0),('x'):rep(0/0),('x'):rep('1e3'),('x'):rep('0x10')",
    ),
    (
        "all ends of a text",
        &[Memory, Time],
        "local s=('x'):rep(2^20) local t={} for i=1,2^20 do t[i]=s:sub(i) end",
    ),
    (
        "numbers in all bases",
        &[Itself, Time],
        "for b=-10,50 do pcall(tonumber,('z'):rep(1e6),b) end",
    ),
    (
        "a number of hexadecimal megabytes",
        &[Itself, Time],
        "return tonumber('0x'..('f'):rep(2^22))",
    ),
    (
        "megabytes in a template text",
        &[Memory],
        "local s = ('x'):rep(2^21)
         return #`{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}`",
    ),
    (
        "very many arguments in a query",
        &[Time, Itself],
        "local n=0 for k in pairs(ngx.decode_args(('a&'):rep(2^19),0)) do n=n+1 end return n",
    ),
    ("as many values of one", &[Time, Itself], "return #ngx.decode_args(('a=1&'):rep(2^18),0).a"),
    (
        "and as many names",
        &[Time, Itself],
        "local t={} for i=1,1e5 do t[i]='k'..i end
         return ngx.decode_args(table.concat(t,'&'),0)",
    ),
    ("a key of megabytes", &[Time], "local s=('x'):rep(2^20) while true do ngx.hmac_sha1(s,s) end"),
    (
        "every directive of dates",
        &[Itself],
        "local t={} for c=32,126 do for _,p in {'','!'} do
         t[#t+1]=tostring(select(2,pcall(os.date,p..'%'..string.char(c))))
         t[#t+1]=tostring(select(2,pcall(os.date,p..'%E'..string.char(c))))
         t[#t+1]=tostring(select(2,pcall(os.date,p..'%O'..string.char(c)))) end end
         return #table.concat(t)",
    ),
    (
        "dates of all times",
        &[Itself],
        "local o={}
         for _,v in {0/0,1/0,-1/0,2^63,-2^63,2^31,2^55,67768036191676799,67768036191676800}
         do for _,f in {'*t','!*t','%c','!%c','%j','!%s'}
         do o[#o+1]=tostring(select(2,pcall(os.date,f,v))) end end return #o",
    ),
    (
        "times of all fields",
        &[Itself],
        "local o={} for _,v in {0/0,1/0,-1/0,2^63,-2^63,2^31,-2^31,1e9,'1','x',{},true} do
         for _,k in {'year','month','day','hour','min','sec','isdst'} do
         local t={year=2020,month=1,day=1}
         t[k]=v o[#o+1]=tostring(select(2,pcall(os.time,t))) end end return #o",
    ),
    (
        "bits of everything",
        &[Itself],
        "local o={} for _,v in {0/0,1/0,-1/0,1e308,2^53,'0x10','x',{}} do
         for k,f in pairs(bit) do o[#o+1]=tostring(select(2,pcall(f,v,v))) end end return #o",
    ),
    (
        "bits of very many",
        &[Time],
        "local t={} for i=1,7900 do t[i]=i end while true do bit.band(unpack(t)) end",
    ),
    (
        "ranges of everything",
        &[Itself],
        "local o={} for _,v in {0/0,1/0,-1/0,2^31,2^53,-2^53} do
         for _,w in {0/0,1/0,-1/0,2^31,2^53,-2^53,1}
         do o[#o+1]=tostring(select(2,pcall(unpack,{},v,w))) end end return #o",
    ),
    (
        "arguments that grow",
        &[Refused, Time],
        "local function f(...) return 1+f(...,unpack({},1,200)) end return f()",
    ),
    (
        "selecting one by one",
        &[Time],
        "local function f(...) local n=0 for i=1,select('#',...) do n=n+select(i,...) end
         return n end local t={} for i=1,7000 do t[i]=i end while true do f(unpack(t)) end",
    ),
];
