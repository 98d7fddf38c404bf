--- What can be configured: one place to post to, and what is posted there.
--
-- Written against sources of Kong 3.x (typedefs.lua in kong/db/schema, schema.lua in
-- kong/plugins/http-log). `encrypted` means something to Kong Enterprise alone; here it also keeps
-- the field out of events.

local typedefs = require "kong.db.schema.typedefs"
local DEFAULTS = require("kong.plugins.event-hooks.settings").DEFAULTS

local function switch(name, description)
  return { [name] = {
    type = "boolean",
    required = true,
    default = DEFAULTS[name],
    description = description,
  } }
end

return {
  name = "event-hooks",
  fields = {
    -- There is one gateway, and one stream of its events: no part of it has its own.
    { consumer = typedefs.no_consumer },
    { consumer_group = typedefs.no_consumer_group },
    { service = typedefs.no_service },
    { route = typedefs.no_route },
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { ingest_url = typedefs.url({
          encrypted = true,
          referenceable = true,
          description = "Where the events API is, without /events; a workspace may be its path. "
            .. "Without it, the environment variable EVENT_HOOKS_INGEST_URL.",
        }) },
        { token = {
          type = "string",
          len_min = 1,
          encrypted = true,
          referenceable = true,
          description = "A token that may emit events. Without it, the environment variable "
            .. "EVENT_HOOKS_TOKEN.",
        } },
        switch("ssl_verify", "Is the certificate of the ingest checked?"),
        { timeout = typedefs.timeout({
          required = true,
          default = DEFAULTS.timeout,
          description = "Milliseconds to connect, to send and to wait for an answer.",
        }) },
        { max_retry_delay = {
          type = "number",
          required = true,
          default = DEFAULTS.max_retry_delay,
          between = { 0.5, 3600 },
          description = "The most seconds between two attempts.",
        } },
        switch("dao_crud", "Are changes of entities posted, as dao:crud?"),
        switch("balancer_health", "Are changes of health posted, as balancer/health?"),
        switch("rate_limits", "Are requests posted that the gateway refused for a rate limit, as "
          .. "rate-limiting-advanced/rate-limit-exceeded?"),
        switch("requests", "Is every request posted, as http-log-enterprise/log?"),
        switch("redact_encrypted", "Are fields hidden that a schema marks as encrypted?"),
        { redact = {
          type = "array",
          required = true,
          default = DEFAULTS.redact,
          elements = { type = "string", match = "^[^.]+%.[^.].*$" },
          description = "Fields of entities that are hidden besides, as schema.field; * stands "
            .. "for any name. It replaces the default: repeat what of that is to stay hidden.",
        } },
      },
    } },
  },
}
