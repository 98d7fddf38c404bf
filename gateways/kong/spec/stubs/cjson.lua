--- `cjson.safe`, with lua-cjson's rules for what is a list and what cannot be written.

local cjson = { null = ngx.null, array_mt = {}, empty_array_mt = {} }

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["/"] = "\\/", ["\b"] = "\\b", ["\f"] = "\\f",
  ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escaped(character)
  return ESCAPES[character] or string.format("\\u%04x", character:byte())
end

local function text(value)
  return '"' .. value:gsub('[%c"\\/\127]', escaped) .. '"'
end

--- How long a list this is; nil where it is none.
local function length(values)
  local count, longest = 0, 0
  for name in pairs(values) do
    if type(name) ~= "number" or name < 1 or name % 1 ~= 0 then
      return nil
    end
    count, longest = count + 1, math.max(longest, name)
  end
  assert(longest <= 10 or longest <= 2 * count, "Cannot serialise table: excessively sparse array")
  return longest
end

local function write(value, level)
  local kind = type(value)
  if value == cjson.null or kind == "nil" then
    return "null"
  elseif kind == "string" then
    return text(value)
  elseif kind == "number" then
    assert(value == value and math.abs(value) ~= math.huge,
      "Cannot serialise number: must not be NaN or Infinity")
    return string.format("%.14g", value)
  elseif kind == "boolean" then
    return tostring(value)
  end
  assert(kind == "table", "Cannot serialise " .. kind .. ": type not supported")
  assert(level <= 1000, "Cannot serialise, excessive depth")

  local parts, mark = {}, getmetatable(value)
  local longest = length(value)
  if longest and (longest > 0 or mark and (mark == cjson.array_mt or mark == cjson.empty_array_mt))
  then
    for index = 1, longest do
      parts[index] = write(value[index], level + 1)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, member in pairs(value) do
    assert(type(name) == "string" or type(name) == "number", "table key must be a number or string")
    parts[#parts + 1] = text(tostring(name)) .. ":" .. write(member, level + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function cjson.encode(value)
  local ok, result = pcall(write, value, 1)
  if ok then
    return result
  end
  return nil, result
end

function cjson.decode(value)
  return host.decode(value, cjson.null)
end

return cjson
