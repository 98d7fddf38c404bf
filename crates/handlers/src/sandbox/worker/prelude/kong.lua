-- What there is of `kong`: the log. Everything about a request says that there is none.
local host = ...

local log, line, show = host.log, host.line, host.show
local absent, absent_all = host.absent, host.absent_all

local function writer(level)
  return function(...)
    log(level, line(...))
  end
end

local levels = { emerg = 1, alert = 2, crit = 3, err = 4, warn = 5, notice = 6, info = 7, debug = 8 }
local logger = {
  serialize = absent("kong.log.serialize"),
  set_serialize_value = absent("kong.log.set_serialize_value"),
}
for name, level in levels do
  logger[name] = writer(level)
end

function logger.inspect(...)
  local parts = { ... }
  for index = 1, select("#", ...) do
    parts[index] = show(parts[index]) or "<too large to be shown>"
  end
  log(levels.notice, table.concat(parts, "\n"))
end

local function callable(members, level)
  local write = writer(level)
  return setmetatable(members, {
    __call = function(_, ...)
      write(...)
    end,
  })
end
logger.deprecation = callable({ write = writer(levels.warn) }, levels.warn)

-- Notes of a script to itself.
local shared, plugin = {}, {}

local kong = {
  log = callable(logger, levels.notice),
  ctx = { shared = shared, plugin = plugin },
  service = {
    request = absent_all("kong.service.request"),
    response = absent_all("kong.service.response"),
  },
  table = { clear = table.clear },
}

-- How large a table will be is a hint, which is not taken.
function kong.table.new()
  return {}
end

function kong.table.merge(first, second)
  local merged = {}
  for key, value in next, first or {} do
    merged[key] = value
  end
  for key, value in next, second or {} do
    merged[key] = value
  end
  return merged
end

for _, name in {
  "client", "cluster", "ip", "jwe", "nginx", "node", "plugin", "request", "response", "router",
  "telemetry", "tracing",
} do
  kong[name] = absent_all("kong." .. name)
end

-- There is no configuration; secrets look as they do in the gateway.
kong.configuration = setmetatable({}, {
  __index = function(_, key)
    key = tostring(key)
    for _, secret in { "password$", "secret$", "token$", "_key$", "^proxy_server$" } do
      if string.find(key, secret) then
        return "******"
      end
    end
    return nil
  end,
})

return kong, { [shared] = true, [plugin] = true }
