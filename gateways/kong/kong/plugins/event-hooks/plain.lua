--- What of this value can be told in JSON?
--
-- A copy, so that what is hidden in it is not hidden from the gateway. Nulls are left out, and so
-- is what JSON has no word for: functions, userdata, numbers that are none.
--
-- **Invariant:** it ends, whatever it is given. Circles end at the depth that the ingest takes; and
-- the number of values is bounded, for thirty tables that hold each other twice are a billion.

local cjson = require "cjson.safe"

local getmetatable = getmetatable
local huge = math.huge
local next = next
local pairs = pairs
local setmetatable = setmetatable
local tostring = tostring
local type = type

--- The deepest that the ingest takes the data of an event.
local MOST_LEVELS = 100
--- At two bytes each, these fill the largest event.
local MOST_VALUES = 128 * 1024

local plain = {}

local copied

--- Lists keep their places, so what is left out of one is a null there.
local function list(values, state, level)
  local copy = {}
  for index = 1, #values do
    local value = copied(values[index], state, level)
    if value == nil then
      value = cjson.null
    end
    copy[index] = value
  end
  return setmetatable(copy, cjson.array_mt)
end

local function members(values, state, level)
  local copy = {}
  for name, value in pairs(values) do
    if type(name) == "string" or type(name) == "number" then
      copy[tostring(name)] = copied(value, state, level)
    end
  end
  return copy
end

--- Is it to be written with brackets? An empty table is, where its maker says so.
local function is_list(values)
  if next(values) == nil then
    local kind = getmetatable(values)
    return kind ~= nil and (kind == cjson.array_mt or kind == cjson.empty_array_mt)
  end
  local count = 0
  for name in pairs(values) do
    if type(name) ~= "number" then
      return false
    end
    count = count + 1
  end
  return count == #values
end

function copied(value, state, level)
  state.left = state.left - 1
  if state.left < 0 then
    error({ reason = "more than " .. MOST_VALUES .. " values" })
  end

  local kind = type(value)
  if kind == "string" or kind == "boolean" then
    return value
  elseif kind == "number" then
    return value == value and value ~= huge and value ~= -huge and value or nil
  elseif kind ~= "table" then
    return nil
  elseif level > MOST_LEVELS then
    error({ reason = "nested deeper than " .. MOST_LEVELS .. " levels" })
  end
  return (is_list(value) and list or members)(value, state, level + 1)
end

--- The copy; nil and the reason where there can be none.
function plain.copy(value)
  local ok, result = pcall(copied, value, { left = MOST_VALUES }, 1)
  if ok then
    return result
  end
  return nil, type(result) == "table" and result.reason or result
end

return plain
