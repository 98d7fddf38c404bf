--- What changed?
--
-- Kong's DAO posts one `dao:crud` worker event a change, in the worker that made it (seen in
-- sources of Kong 3.x: `DAO:post_crud_event` in kong/db/dao/init.lua, `post_local`). The names
-- `crud` and `crud:create` that Kong derives from it are the receiving side's to derive, so nothing
-- is posted three times.

local plain = require "kong.plugins.event-hooks.plain"
local redaction = require "kong.plugins.event-hooks.redaction"
local settings = require "kong.plugins.event-hooks.settings"

local crud = {}

--- A copy that may leave the gateway. Raises what it cannot copy or search for secrets: nothing
-- goes out that was not looked through.
local function presentable(entity, schema)
  if entity == nil then
    return nil
  end
  local copy = assert(plain.copy(entity))
  redaction.apply(copy, schema, settings.get("redact"), settings.get("redact_encrypted"))
  return copy
end

--- The name and the data of the event, as `dao:crud` has them.
function crud.event(change)
  local schema = assert(change.schema, "a change without a schema")
  return change.operation, {
    operation = change.operation,
    schema = schema.name,
    entity = presentable(change.entity, schema),
    old_entity = presentable(change.old_entity, schema),
  }
end

return crud
