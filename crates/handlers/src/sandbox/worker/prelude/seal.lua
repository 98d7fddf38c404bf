-- Makes what there is read-only, and hands out what Rust needs.
local host, base = ...

host.seal(host.array)
host.seal(base.string)

local names = table.freeze({ __index = base })

local function two(ok, first, second)
  return ok, first, second
end

return {
  call = function(run, ...)
    return two(pcall(run, ...))
  end,
  environment = function()
    return setmetatable({}, names)
  end,
  -- What writes values into templates; no script ever holds it.
  printing = {
    json = function(value)
      local json, problem = host.print_json(value)
      return json or error(problem, 0)
    end,
    escape = function(text, braces)
      return host.escape(text, braces)
    end,
    format = string.format,
    concat = table.concat,
  },
}
