--- What does a request that is over have to tell?
--
-- Read in the log phase from Kong's PDK (seen in sources of Kong 3.x: kong/pdk/response.lua,
-- client.lua and router.lua allow all of this there).

local kong = kong
local ipairs = ipairs
local tonumber = tonumber

-- The longest first: where two limits are used up, Kong's own `RateLimit-Limit` is that of the
-- longer one (seen in sources of Kong 3.x: kong/plugins/rate-limiting/handler.lua).
local WINDOWS = { "year", "month", "day", "hour", "minute", "second" }

local requests = {}

--- Who asked for what.
local function party()
  return {
    consumer = kong.client.get_consumer() or {},
    ip = kong.client.get_forwarded_ip(),
    service = kong.router.get_service() or {},
  }
end

--- The limit that is used up, and its window; nil where no header says so. Where there is only
-- `RateLimit-Remaining`, the window is open.
local function used_up(headers)
  for _, window in ipairs(WINDOWS) do
    if tonumber(headers["x-ratelimit-remaining-" .. window]) == 0 then
      return tonumber(headers["x-ratelimit-limit-" .. window]), window
    end
  end
  if tonumber(headers["ratelimit-remaining"]) == 0 then
    return tonumber(headers["ratelimit-limit"])
  end
end

--- The data of `rate-limiting-advanced`/`rate-limit-exceeded`, where the gateway itself refused
-- the request because a limit was used up; else nil. A service's own 429 is none of ours.
function requests.rate_limit_exceeded()
  local response = kong.response
  if response.get_status() ~= 429 or response.get_source() ~= "exit" then
    return nil
  end
  local limit, window = used_up(response.get_headers())
  if not limit then
    return nil
  end

  local data = party()
  data.limit = limit
  data.window = window
  -- The headers do not count past the limit. What was counted was all of it, and this one came.
  data.rate = limit + 1
  return data
end

--- The data of `http-log-enterprise`/`log`.
function requests.log()
  local data = party()
  data.route = kong.router.get_route() or {}
  return data
end

return requests
