--- The plugin's doors: what Kong calls, and what the plugin listens to.
--
-- Written for Kong 3.4 and later, and compared with sources of Kong 3.x, as far as they could be
-- read; docs/kong.md says which.

local api = require "kong.plugins.event-hooks.api"
local catalog = require "kong.plugins.event-hooks.catalog"
local crud = require "kong.plugins.event-hooks.crud"
local door = require "kong.plugins.event-hooks.door"
local emitter = require "kong.plugins.event-hooks.emitter"
local requests = require "kong.plugins.event-hooks.requests"
local settings = require "kong.plugins.event-hooks.settings"

local kong = kong
local ngx = ngx

local EventHooks = {
  -- After whatever changes a response or logs it: http-log has 12.
  PRIORITY = 5,
  VERSION = "0.1.0",
}

--- Is the event wanted, and is there somebody to tell it?
local function wants(setting)
  return settings.get(setting) and settings.is_on()
end

--- Emits, and says so where that fails.
local function emit(source, event, data)
  local ok, reason = emitter.emit(source, event, data)
  if not ok then
    kong.log.err("event hooks: ", source, "/", event, " is not posted: ", reason)
  end
end

local on_crud = door("dao:crud", function(change)
  if wants("dao_crud") then
    emit("dao:crud", crud.event(change))
  end
end)

local on_health = door("balancer", function(upstream_id, ip, port, hostname, health)
  if wants("balancer_health") then
    emit("balancer", "health", {
      upstream_id = upstream_id,
      ip = ip,
      port = port,
      hostname = hostname,
      health = health,
    })
  end
end)

--- In every worker, once, before there is a configuration.
local init_worker = door("init_worker", function()
  local role = kong.configuration.role
  -- Changes are made where the Admin API is; a data plane only hears of them.
  if role ~= "data_plane" then
    kong.worker_events.register(on_crud, "dao:crud")
  end
  -- Every worker hears of every change of health; a control plane of none.
  if role ~= "control_plane" and ngx.worker.id() == 0 then
    require("kong.runloop.balancer").subscribe_to_healthcheck_events(on_health)
  end
  catalog.start()
end)

--- In every worker, at start and whenever a plugin's configuration changes, with those of this
-- plugin: one, for the schema allows global ones only; nil, where it is not configured.
local configure = door("configure", function(configs)
  settings.use(configs and configs[1])
  if not settings.is_on() then
    kong.log.warn("event hooks: nothing is posted, for there is no ingest_url")
    return
  end
  if settings.get("requests") then
    api.publish("http-log-enterprise", "log", {
      fields = { "consumer", "ip", "service", "route" },
      unique = { "consumer", "ip", "service" },
      description = "Run an event for a request",
    })
  end
  catalog.start()
end)

--- At the end of every request, where the plugin is configured: Kong runs the phases of no other.
local log = door("log", function()
  if wants("rate_limits") then
    local data = requests.rate_limit_exceeded()
    if data then
      emit("rate-limiting-advanced", "rate-limit-exceeded", data)
    end
  end
  if wants("requests") then
    emit("http-log-enterprise", "log", requests.log())
  end
end)

function EventHooks:init_worker()
  -- The stream module has workers, too, with a health of its own and without lua-resty-http.
  if ngx.config.subsystem == "http" then
    init_worker()
  end
end

function EventHooks:configure(configs)
  if ngx.config.subsystem == "http" then
    configure(configs)
  end
end

function EventHooks:log()
  log()
end

return EventHooks
