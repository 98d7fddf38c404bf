--- One request to the ingest, and what it answers.
--
-- With lua-resty-http, which Kong brings along (0.17 in Kong 3.9). **Promises:** nothing waits
-- longer than the setting `timeout` for the next byte, no answer takes more than 1 MiB of memory,
-- and the token is in no message.

local http = require "resty.http"
local settings = require "kong.plugins.event-hooks.settings"

local concat = table.concat
local find = string.find
local gsub = string.gsub

local MOST_ANSWER_BYTES = 1024 * 1024
local CHUNK_BYTES = 64 * 1024
--- How long an idle connection is kept, in milliseconds.
local KEPT_FOR = 60 * 1000

local ingest = {}

--- The body; nil and the reason where it is too long or broken off.
local function read(response)
  local parts, size = {}, 0
  while true do
    local chunk, reason = response.body_reader(CHUNK_BYTES)
    if reason then
      return nil, reason
    elseif not chunk then
      return concat(parts)
    end
    size = size + #chunk
    if size > MOST_ANSWER_BYTES then
      return nil, "the answer is longer than " .. MOST_ANSWER_BYTES .. " bytes"
    end
    parts[#parts + 1] = chunk
  end
end

local function headers_with_token()
  local headers = { ["content-type"] = "application/json", ["user-agent"] = "kong-event-hooks" }
  local token = settings.get("token")
  if token and find(token, "%c") then
    return nil, "the token has a control character in it"
  end
  headers["kong-admin-token"] = token
  return headers
end

--- Connects to the host of `ingest_url`, and says what its path begins with.
local function connect(client)
  local parts, reason = client:parse_uri(settings.get("ingest_url"), false)
  if not parts then
    return nil, "ingest_url: " .. tostring(reason)
  end
  local scheme, host, port, path = parts[1], parts[2], parts[3], parts[4]
  local timeout = settings.get("timeout")
  client:set_timeouts(timeout, timeout, timeout)
  local connected, refusal = client:connect({
    scheme = scheme,
    host = host,
    port = port,
    ssl_server_name = host,
    ssl_verify = settings.get("ssl_verify"),
  })
  if not connected then
    return nil, "cannot connect: " .. tostring(refusal)
  end
  return (gsub(path or "", "/+$", ""))
end

--- Sends a request, and answers `{status, headers, body}`; or nil and the reason.
function ingest.request(method, path, body)
  local headers, problem = headers_with_token()
  if not headers then
    return nil, problem
  end
  local client = http.new()
  local prefix, unreachable = connect(client)
  if not prefix then
    return nil, unreachable
  end

  local response, silence = client:request({
    method = method,
    path = prefix .. path,
    headers = headers,
    body = body,
  })
  if not response then
    client:close()
    return nil, "no answer: " .. tostring(silence)
  end
  local text, broken = read(response)
  if not text then
    client:close()
    return nil, "no answer: " .. tostring(broken)
  end
  client:set_keepalive(KEPT_FOR)
  return { status = response.status, headers = response.headers, body = text }
end

return ingest
