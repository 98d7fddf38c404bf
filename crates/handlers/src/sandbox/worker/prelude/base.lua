-- What scripts find of Lua itself, as far as Luau's own will do.
local host, base = ...

base._VERSION = "Lua 5.1"

base.assert, base.error, base.pcall, base.xpcall = assert, error, pcall, xpcall
base.ipairs, base.next, base.pairs = ipairs, next, pairs
base.select, base.unpack = select, unpack
base.tonumber, base.type = tonumber, type

local null = host.null
function base.tostring(...)
  if select("#", ...) == 0 then
    error("bad argument #1 to 'tostring' (value expected)", 2)
  end
  return (...) == null and "userdata: NULL" or tostring((...))
end

-- Arguments of `ngx` and the like: in the gateway nil is the empty string there, and everything else
-- is written out. Level 3 is who called the function that calls this.
local LONGEST_TEXT = 2 ^ 20
function host.text(value, name)
  if value == nil then
    return ""
  end
  value = base.tostring(value)
  if #value > LONGEST_TEXT then
    error("bad argument to '" .. name .. "' (string too long)", 3)
  end
  return value
end

-- What is joined for a log.
function host.line(...)
  local parts = { ... }
  for index = 1, select("#", ...) do
    parts[index] = base.tostring(parts[index])
  end
  return table.concat(parts)
end

-- A function that says that it is not there once it is called.
function host.absent(name)
  return function()
    error(name .. " is not available to hooks", 2)
  end
end

-- A table whose every member says so.
function host.absent_all(name)
  return setmetatable({}, {
    __index = function(_, key)
      return host.absent(name .. "." .. tostring(key))
    end,
  })
end

-- What is printed is logged, as the gateway does it.
function base.print(...)
  host.log(6, host.line(...))
end
