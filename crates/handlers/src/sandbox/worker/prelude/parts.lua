-- Most scripts use little of what there is. The rest is made when it is first looked for.
local host, base = ...

local freeze, isfrozen = table.freeze, table.isfrozen

-- Makes tables read-only, with all that is in them but what is left open.
local function seal(value, open)
  if type(value) == "table" and not isfrozen(value) and not (open and open[value]) then
    freeze(value)
    for _, member in next, value do
      seal(member, open)
    end
  end
  return value
end
host.seal = seal

function host.pick(library, names)
  local picked = {}
  for _, name in names do
    picked[name] = library[name]
  end
  return picked
end

local made = {}
local function part(name)
  if not made[name] then
    made[name] = seal(host.part(name)(host, base))
  end
  return made[name]
end

local globals = {
  bit = true, coroutine = true, io = true, jit = true, kong = true, math = true, ngx = true,
  os = true, table = true,
}

-- Scripts see what is in `base`, and never `base` itself.
setmetatable(base, {
  __index = function(_, name)
    if not globals[name] then
      return nil
    end
    base[name] = part(name)
    return base[name]
  end,
})

local function member(name)
  return function()
    return base.table[name]
  end
end

local function json(name)
  return function()
    return part("json")[name]
  end
end

local modules = {
  bit = function() return part("bit") end,
  cjson = json("cjson"),
  ["cjson.safe"] = json("cjson.safe"),
  ["resty.http"] = function()
    if not host.may_ask() then
      error("module 'resty.http' is off: requests need the setting lua_http = on", 3)
    end
    return part("http")
  end,
}
for _, name in { "clear", "clone", "isarray", "isempty", "new", "nkeys" } do
  modules["table." .. name] = member(name)
end

function base.require(name)
  name = tostring(name)
  local find_module = modules[name]
  if not find_module then
    error("require '" .. string.sub(name, 1, 100) .. "' not allowed within sandbox", 2)
  end
  return find_module()
end
