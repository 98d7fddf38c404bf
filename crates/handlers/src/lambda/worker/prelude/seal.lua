-- Makes the environment read-only, and hands out what Rust needs.
local host, base = ...

host.seal(host.array)
host.seal(base)

local names = table.freeze({ __index = base })

local function two(ok, first, second)
  return ok, first, second
end

local print_json = host.print_json

return {
  json = function(value)
    local json, problem = print_json(value)
    return json or error(problem, 0)
  end,
  call = function(run, ...)
    return two(pcall(run, ...))
  end,
  environment = function()
    return setmetatable({}, names)
  end,
}
