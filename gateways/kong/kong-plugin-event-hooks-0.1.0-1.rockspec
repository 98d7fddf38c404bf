package = "kong-plugin-event-hooks"
version = "0.1.0-1"
rockspec_format = "3.0"

-- For `luarocks make` in this folder, which takes the files beside it.
source = {
  url = "git+file://.",
}

description = {
  summary = "Posts what happens in Kong Gateway to Event Hooks",
  license = "Apache-2.0",
}

-- lua-resty-http, lua-cjson and the rest come with Kong.
dependencies = {
  "lua >= 5.1, < 5.2",
}

build = {
  type = "builtin",
  modules = {
    ["kong.plugins.event-hooks.api"] = "kong/plugins/event-hooks/api.lua",
    ["kong.plugins.event-hooks.catalog"] = "kong/plugins/event-hooks/catalog.lua",
    ["kong.plugins.event-hooks.crud"] = "kong/plugins/event-hooks/crud.lua",
    ["kong.plugins.event-hooks.door"] = "kong/plugins/event-hooks/door.lua",
    ["kong.plugins.event-hooks.emitter"] = "kong/plugins/event-hooks/emitter.lua",
    ["kong.plugins.event-hooks.handler"] = "kong/plugins/event-hooks/handler.lua",
    ["kong.plugins.event-hooks.ingest"] = "kong/plugins/event-hooks/ingest.lua",
    ["kong.plugins.event-hooks.own_queue"] = "kong/plugins/event-hooks/own_queue.lua",
    ["kong.plugins.event-hooks.plain"] = "kong/plugins/event-hooks/plain.lua",
    ["kong.plugins.event-hooks.queue"] = "kong/plugins/event-hooks/queue.lua",
    ["kong.plugins.event-hooks.redaction"] = "kong/plugins/event-hooks/redaction.lua",
    ["kong.plugins.event-hooks.requests"] = "kong/plugins/event-hooks/requests.lua",
    ["kong.plugins.event-hooks.schema"] = "kong/plugins/event-hooks/schema.lua",
    ["kong.plugins.event-hooks.sender"] = "kong/plugins/event-hooks/sender.lua",
    ["kong.plugins.event-hooks.settings"] = "kong/plugins/event-hooks/settings.lua",
    ["kong.plugins.event-hooks.utf8"] = "kong/plugins/event-hooks/utf8.lua",
    ["kong.plugins.event-hooks.verdict"] = "kong/plugins/event-hooks/verdict.lua",
  },
}
