--- What of this entity is nobody else's business?
--
-- The fields that Kong's schema marks as `encrypted`, and those that the setting `redact` names.
-- They are still there, so that a receiver sees that a credential has one, and say `***`.

local ipairs = ipairs
local pairs = pairs
local type = type

local HIDDEN = "***"

local redaction = {}

--- Hides what a path leads to: names from `index` on, where `*` stands for any.
local function hide(values, path, index)
  if type(values) ~= "table" then
    return
  end
  local name, is_last = path[index], index == #path
  for member, value in pairs(values) do
    if name == "*" or name == member then
      if is_last then
        values[member] = HIDDEN
      else
        hide(value, path, index + 1)
      end
    end
  end
end

local function split(rule)
  local path = {}
  for name in string.gmatch(rule, "[^.]+") do
    path[#path + 1] = name
  end
  return path
end

-- The list that was asked for last, and its paths: it is the same table until somebody changes
-- the configuration.
local list, paths

local function paths_of(rules)
  if rules ~= list then
    local compiled = {}
    for index, rule in ipairs(rules) do
      compiled[index] = split(rule)
    end
    list, paths = rules, compiled
  end
  return paths
end

local hide_marked

--- Hides what is marked in a value of this definition, or all of it.
local function hide_value(values, name, definition)
  local value = values[name]
  if value == nil then
    return
  elseif definition.encrypted then
    values[name] = HIDDEN
  elseif type(value) == "table" then
    local inner = definition.elements or definition.values
    if definition.fields then
      hide_marked(value, definition.fields)
    elseif inner then
      for member in pairs(value) do
        hide_value(value, member, inner)
      end
    end
  end
end

--- A schema lists its fields one by one, each a table of name and definition.
function hide_marked(values, fields)
  for _, field in ipairs(fields) do
    for name, definition in pairs(field) do
      hide_value(values, name, definition)
    end
  end
end

--- What this kind of entity has besides: the configuration of a plugin, of a vault.
local function fields_of_kind(entity, schema)
  local kind = schema.subschema_key and entity[schema.subschema_key]
  local subschema = schema.subschemas and kind and schema.subschemas[kind]
  return subschema and subschema.fields
end

--- Hides the secrets of an entity, in the table that is given: hand it a copy. `rules` are as the
-- setting `redact` has them; `marked` says whether the schema's word counts too.
function redaction.apply(entity, schema, rules, marked)
  for _, path in ipairs(paths_of(rules)) do
    if path[1] == "*" or path[1] == schema.name then
      hide(entity, path, 2)
    end
  end
  if marked then
    hide_marked(entity, schema.fields or {})
    hide_marked(entity, fields_of_kind(entity, schema) or {})
  end
end

return redaction
