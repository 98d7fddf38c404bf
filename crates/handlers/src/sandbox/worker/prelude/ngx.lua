-- What there is of `ngx`: log, time, digests, encodings, constants.
local host, base = ...

local text, line, log = host.text, host.line, host.log

local ngx = {
  STDERR = 0, EMERG = 1, ALERT = 2, CRIT = 3, ERR = 4, WARN = 5, NOTICE = 6, INFO = 7, DEBUG = 8,
  OK = 0, ERROR = -1, AGAIN = -2, DONE = -4, DECLINED = -5,
  HTTP_GET = 2, HTTP_HEAD = 4, HTTP_POST = 8, HTTP_PUT = 16, HTTP_DELETE = 32, HTTP_MKCOL = 64,
  HTTP_COPY = 128, HTTP_MOVE = 256, HTTP_OPTIONS = 512, HTTP_PROPFIND = 1024,
  HTTP_PROPPATCH = 2048, HTTP_LOCK = 4096, HTTP_UNLOCK = 8192, HTTP_PATCH = 16384,
  HTTP_TRACE = 32768,
  HTTP_CONTINUE = 100, HTTP_SWITCHING_PROTOCOLS = 101, HTTP_OK = 200, HTTP_CREATED = 201,
  HTTP_ACCEPTED = 202, HTTP_NO_CONTENT = 204, HTTP_PARTIAL_CONTENT = 206,
  HTTP_SPECIAL_RESPONSE = 300, HTTP_MOVED_PERMANENTLY = 301, HTTP_MOVED_TEMPORARILY = 302,
  HTTP_SEE_OTHER = 303, HTTP_NOT_MODIFIED = 304, HTTP_TEMPORARY_REDIRECT = 307,
  HTTP_PERMANENT_REDIRECT = 308, HTTP_BAD_REQUEST = 400, HTTP_UNAUTHORIZED = 401,
  HTTP_PAYMENT_REQUIRED = 402, HTTP_FORBIDDEN = 403, HTTP_NOT_FOUND = 404,
  HTTP_NOT_ALLOWED = 405, HTTP_NOT_ACCEPTABLE = 406, HTTP_REQUEST_TIMEOUT = 408,
  HTTP_CONFLICT = 409, HTTP_GONE = 410, HTTP_UPGRADE_REQUIRED = 426,
  HTTP_TOO_MANY_REQUESTS = 429, HTTP_CLOSE = 444, HTTP_ILLEGAL = 451,
  HTTP_INTERNAL_SERVER_ERROR = 500, HTTP_METHOD_NOT_IMPLEMENTED = 501,
  HTTP_NOT_IMPLEMENTED = 501, HTTP_BAD_GATEWAY = 502,
  HTTP_SERVICE_UNAVAILABLE = 503, HTTP_GATEWAY_TIMEOUT = 504, HTTP_VERSION_NOT_SUPPORTED = 505,
  HTTP_INSUFFICIENT_STORAGE = 507,
  null = host.null,
}

function ngx.log(level, ...)
  level = tonumber(level)
  if not level or not (level >= 0 and level < 9) then
    error("bad argument #1 to 'log' (bad log level)", 2)
  end
  log(math.floor(level), line(...))
end

local now, date = host.now, os.date

function ngx.now()
  return math.floor(now() * 1000) / 1000
end

function ngx.time()
  return math.floor(now())
end

function ngx.update_time() end

function ngx.today()
  return date("!%Y-%m-%d")
end

function ngx.utctime()
  return date("!%Y-%m-%d %H:%M:%S")
end

-- The worker's time zone is UTC.
ngx.localtime = ngx.utctime

local function want_number(value, name)
  local number = tonumber(value)
  if not number then
    error(("bad argument #1 to '%s' (number expected, got %s)"):format(name, type(value)), 3)
  end
  return number
end

function ngx.http_time(seconds)
  return date("!%a, %d %b %Y %H:%M:%S GMT", want_number(seconds, "http_time"))
end

function ngx.cookie_time(seconds)
  return date("!%a, %d-%b-%y %H:%M:%S GMT", want_number(seconds, "cookie_time"))
end

for _, name in { "md5", "md5_bin", "sha1_bin", "escape_uri", "unescape_uri" } do
  local digest = host[name]
  ngx[name] = function(value)
    return digest(text(value, name))
  end
end

local hmac_sha1 = host.hmac_sha1
function ngx.hmac_sha1(key, value)
  return hmac_sha1(text(key, "hmac_sha1"), text(value, "hmac_sha1"))
end

local encode_base64, decode_base64 = host.encode_base64, host.decode_base64
function ngx.encode_base64(value, no_padding)
  local encoded = encode_base64(text(value, "encode_base64"))
  if no_padding then
    encoded = string.gsub(encoded, "=+$", "")
  end
  return encoded
end

function ngx.decode_base64(value)
  if type(value) ~= "string" then
    error("string argument only", 2)
  end
  return decode_base64(text(value, "decode_base64"))
end

local escape, unescape = ngx.escape_uri, ngx.unescape_uri

function ngx.encode_args(arguments)
  if type(arguments) ~= "table" then
    error(("bad argument #1 to 'encode_args' (table expected, got %s)"):format(type(arguments)), 2)
  end
  local parts = {}
  local function add(key, value)
    if value == true then
      parts[#parts + 1] = escape(key)
    elseif value ~= false then
      parts[#parts + 1] = escape(key) .. "=" .. escape(value)
    end
  end
  for key, value in next, arguments do
    if type(value) == "table" then
      for _, each in ipairs(value) do
        add(key, each)
      end
    else
      add(key, value)
    end
  end
  return base.table.concat(parts, "&")
end

function ngx.decode_args(query, most)
  local arguments, count = {}, 0
  most = tonumber(most) or 100
  for part in string.gmatch(text(query, "decode_args"), "[^&]+") do
    count = count + 1
    if most > 0 and count > most then
      return arguments, "truncated"
    end
    local at = string.find(part, "=", 1, true)
    local key = unescape(at and string.sub(part, 1, at - 1) or part)
    local value = not at or unescape(string.sub(part, at + 1))
    local known = arguments[key]
    if type(known) == "table" then
      known[#known + 1] = value
    elseif known ~= nil then
      arguments[key] = { known, value }
    elseif key ~= "" then
      arguments[key] = value
    end
  end
  return arguments
end

function ngx.get_phase()
  return "timer"
end

ngx.config = { subsystem = "http" }
ngx.is_subrequest, ngx.headers_sent = false, false

for _, name in {
  "crc32_long", "crc32_short", "eof", "exit", "flush", "get_raw_phase", "parse_http_time", "print",
  "quote_sql_str", "redirect", "say", "send_headers", "sleep",
} do
  ngx[name] = host.absent("ngx." .. name)
end
for _, name in { "re", "req", "resp", "worker" } do
  ngx[name] = host.absent_all("ngx." .. name)
end

return ngx
