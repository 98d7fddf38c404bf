-- `cjson`, which raises, and `cjson.safe`, which answers nil and why.
local host = ...

local encode, decode = host.encode, host.decode

local function json(raise)
  local function give(value, problem)
    if value ~= nil then
      return value
    end
    if raise then
      error(problem, 3)
    end
    return nil, problem
  end
  return {
    _NAME = "cjson",
    null = host.null,
    array_mt = host.array,
    empty_array_mt = host.array,
    empty_array = setmetatable({}, host.array),
    encode = function(value)
      return give(encode(value))
    end,
    decode = function(value)
      if type(value) ~= "string" and type(value) ~= "number" then
        error(("bad argument #1 to 'decode' (string expected, got %s)"):format(type(value)), 2)
      end
      return give(decode(tostring(value)))
    end,
  }
end

return { cjson = json(true), ["cjson.safe"] = json(false) }
