--- `resty.http` of lua-resty-http 0.17: connect with options, request, read the body in pieces.

local http = {}
http.__index = http

function http.new()
  return setmetatable({}, http)
end

function http.parse_uri(_, uri)
  local scheme, host_name, port, path = uri:match("^(https?)://([^:/]+):?(%d*)(/?.*)$")
  if not scheme then
    return nil, "bad uri: " .. uri
  end
  return { scheme, host_name, tonumber(port) or (scheme == "https" and 443 or 80), path, "" }
end

function http.set_timeouts(self, connect, send, read)
  self.timeouts = { connect, send, read }
end

--- Sockets are for timers: no request may wait for one.
function http.connect(self, options)
  assert(coroutine.running(), "API disabled in the context of log_by_lua*")
  assert(self.timeouts, "no timeouts")
  self.connection = options
  return host.connect(options.host, options.port)
end

function http.request(self, parameters)
  local status, headers, chunks, broken = host.http(self.connection.port, parameters)
  if not status then
    return nil, headers
  end
  local next_chunk = 0
  return {
    status = status,
    headers = headers,
    body_reader = function()
      next_chunk = next_chunk + 1
      if chunks[next_chunk] == nil then
        return nil, broken
      end
      return chunks[next_chunk]
    end,
  }
end

function http.set_keepalive() return 1 end

function http.close() return 1 end

return http
