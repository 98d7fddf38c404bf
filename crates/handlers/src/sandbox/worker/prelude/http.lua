-- `resty.http`, as far as one call needs it: the parent makes the request.
local host, base = ...

local ask, text, join = host.ask, host.text, base.table.concat
local encode_args = base.ngx.encode_args

-- Names of headers are looked up in any case, with `_` for `-`.
local headers_of_answer = {
  __index = function(headers, name)
    if type(name) ~= "string" then
      return nil
    end
    local wanted = string.gsub(string.lower(name), "_", "-")
    for key, value in next, headers do
      if string.lower(key) == wanted then
        return value
      end
    end
    return nil
  end,
}

local function headers_from(pairs_of_answer)
  local headers = setmetatable({}, headers_of_answer)
  for _, pair in ipairs(pairs_of_answer) do
    local name, value = pair[1], pair[2]
    local known = headers[name]
    if type(known) == "table" then
      known[#known + 1] = value
    elseif known ~= nil then
      headers[name] = { known, value }
    else
      headers[name] = value
    end
  end
  return headers
end

local function pairs_from(headers)
  local list = {}
  for name, value in next, headers do
    if type(value) == "table" then
      for _, each in ipairs(value) do
        list[#list + 1] = { text(name, "request_uri"), text(each, "request_uri") }
      end
    else
      list[#list + 1] = { text(name, "request_uri"), text(value, "request_uri") }
    end
  end
  return list
end

local function url_from(uri, options)
  local path, query = options.path, options.query
  if path ~= nil then
    local origin = string.match(uri, "^(%w+://[^/?#]*)")
    if origin then
      uri = origin .. (string.sub(text(path), 1, 1) == "/" and "" or "/") .. text(path)
    end
  end
  if type(query) == "table" then
    query = encode_args(query)
  end
  if query ~= nil and query ~= "" then
    uri = string.match(uri, "^[^?#]*") .. "?" .. text(query)
  end
  return uri
end

local function body_from(body)
  if type(body) == "table" then
    return join(body)
  end
  return body ~= nil and text(body, "request_uri") or nil
end

local client = {}

function client.request_uri(self, uri, options)
  if type(self) ~= "table" or type(uri) ~= "string" then
    error("bad arguments to 'request_uri' (call it as httpc:request_uri(uri, options))", 2)
  end
  options = options or {}
  if type(options) ~= "table" or type(options.headers or {}) ~= "table" then
    error("bad arguments to 'request_uri' (options and headers are tables)", 2)
  end
  local verify = options.ssl_verify
  if type(verify) ~= "boolean" then
    verify = nil
  end
  local timeout = tonumber(rawget(self, "timeout"))
  local status, reason, headers, body = ask(
    text(options.method or "GET"), url_from(uri, options), pairs_from(options.headers or {}),
    body_from(options.body), verify, timeout
  )
  if not status then
    return nil, reason
  end
  return {
    status = status,
    reason = reason,
    headers = headers_from(headers),
    has_body = body ~= "",
    body = body,
  }
end

function client.set_timeout(self, milliseconds)
  self.timeout = milliseconds
end

function client.set_timeouts(self, connect, send, read)
  self.timeout = (tonumber(connect) or 0) + (tonumber(send) or 0) + (tonumber(read) or 0)
end

-- Connections are the parent's business.
function client.set_keepalive()
  return 1
end

function client.close()
  return 1
end

for _, name in { "connect", "request", "request_pipeline", "get_reused_times", "ssl_handshake" } do
  client[name] = host.absent("resty.http's " .. name)
end

table.freeze(client)

return {
  _VERSION = "0.17.1",
  new = function()
    return setmetatable({}, { __index = client })
  end,
}
