--- For other plugins: their own events, by the names that Kong Enterprise has for this.
--
--     local event_hooks = require "kong.plugins.event-hooks.api"
--
--     function MyPlugin:init_worker()
--       event_hooks.publish("my-plugin", "noticed", { fields = { "what" }, unique = { "what" } })
--     end
--
--     function MyPlugin:access(conf)
--       event_hooks.emit("my-plugin", "noticed", { what = "something" })
--     end
--
-- Neither raises, waits or yields, so both can be called in every phase.

local catalog = require "kong.plugins.event-hooks.catalog"
local door = require "kong.plugins.event-hooks.door"
local emitter = require "kong.plugins.event-hooks.emitter"

local api = {}

--- Makes an event of a source known: its `fields`, those of them that are `unique` to what it is
-- about, a `description`; each may be left out. Answers true, or nil and the reason.
api.publish = door("publish", function(source, event, spec)
  if type(source) ~= "string" or source == "" or type(event) ~= "string" or event == "" then
    return nil, "source and event must be names"
  elseif spec ~= nil and type(spec) ~= "table" then
    return nil, "the third argument must be a table"
  end
  catalog.remember(source, event, spec or {})
  catalog.start()
  return true
end)

--- Says that an event happened. Answers true when it is on its way, or nil and why it is not.
api.emit = door("emit", emitter.emit)

return api
