-- The example of Kong's article about event hooks in plugins, with its first line changed.
local event_hooks = require "kong.plugins.event-hooks.api"
local HttpLogHandler = require "kong.plugins.http-log.handler"

local HttpLogHandlerEnterprise = {
  PRIORITY = 12,
  VERSION = "0.1.0",
}

function HttpLogHandlerEnterprise:init_worker()
  -- register event hook
  event_hooks.publish("http-log-enterprise", "log", {
    fields = { "consumer", "ip", "service", "route" },
    unique = { "consumer", "ip", "service" },
    description = "Run an event for a request",
  })
end

function HttpLogHandlerEnterprise:log(conf)
  -- execute event hook
  event_hooks.emit("http-log-enterprise", "log", {
    consumer = kong.client.get_consumer() or {},
    ip = kong.client.get_forwarded_ip(),
    service = kong.router.get_service() or {},
    route = kong.router.get_route() or {},
  })
  -- execute HTTP Log core functionality
  HttpLogHandler:log(conf)
end

return HttpLogHandlerEnterprise
