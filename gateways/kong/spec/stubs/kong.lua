--- `kong` and the modules of Kong that the plugin asks for, as much as it uses of them.

local function logger(level)
  return function(...)
    local parts = { ... }
    for index = 1, select("#", ...) do
      parts[index] = tostring(parts[index])
    end
    host.log(level, table.concat(parts))
  end
end

-- The request that is in its log phase, as a test describes it.
local request = {}

kong = {
  configuration = { role = host.role },
  log = { err = logger("err"), warn = logger("warn"), info = logger("info"),
    debug = function() end },
  client = {
    get_consumer = function() return request.consumer end,
    get_forwarded_ip = function() return request.ip end,
  },
  router = {
    get_service = function() return request.service end,
    get_route = function() return request.route end,
  },
  response = {
    get_status = function() return request.status end,
    get_source = function() return request.source end,
    get_headers = function() return request.headers end,
  },
  timer = {
    named_at = function(_, _, delay, callback, ...) return ngx.timer.at(delay, callback, ...) end,
  },
}

local changed = {}
kong.worker_events = {
  register = function(callback, source)
    assert(source == "dao:crud")
    changed[#changed + 1] = callback
  end,
}

local subscribers = {}

package.preload["kong.runloop.balancer"] = function()
  return {
    subscribe_to_healthcheck_events = function(callback)
      subscribers[#subscribers + 1] = callback
    end,
  }
end

package.preload["kong.tools.uuid"] = function() return { uuid = host.uuid } end

package.preload["kong.workspaces"] = function()
  return { get_workspace_id = function() return host.workspace end }
end

-- A definition that can be called with what is different about it, as Kong's typedefs can.
local typedefs = setmetatable({}, { __index = function(_, name)
  return setmetatable({ typedef = name }, { __call = function(_, more)
    more.typedef = name
    return more
  end })
end })
package.preload["kong.db.schema.typedefs"] = function() return typedefs end

--- A worker event, as Kong's DAO posts it: in the worker that made the change.
function host.change(data)
  for _, callback in ipairs(changed) do
    callback(data, data.operation, "dao:crud", host.pid)
  end
end

--- What every worker's balancer calls.
function host.health(...)
  for _, callback in ipairs(subscribers) do
    callback(...)
  end
end

local is_configured = false

--- At start and with each change of a configuration; nil, where the plugin has none.
function host.configure(handler, configs)
  is_configured = configs ~= nil
  handler:configure(configs)
end

--- Kong runs the phases of a request for plugins that are configured, and for no other.
function host.log_phase(handler, described)
  request = described
  if is_configured then
    handler:log()
  end
end
