-- What every chunk begins with, joined into its first line so that the lines after it are the
-- template's. Names that begin with three underscores are out of a template's reach.

local context, ___null, ___printing = ...
local ___type, ___select, ___error = type, select, error

-- A value in print, where it is no text for HTML. Numbers look as in LuaJIT.
local function ___text(value)
  local kind = ___type(value)
  if kind == "string" then return value end
  if kind == "number" then return value == value and ___printing.format("%.14g", value) or "nan" end
  if kind == "boolean" then return value and "true" or "false" end
  if kind == "table" then return ___printing.json(value) end
  return "nil"
end

-- `{* *}`: nothing for nothing; a function of the template's is called, one of Lua's is nothing.
local ___theirs = {}
local function ___output(value)
  if value == nil or value == ___null or ___theirs[value] then return "" end
  if ___type(value) == "function" then return ___output(value()) end
  return ___text(value)
end

-- `{{ }}`: the same for HTML; with a second argument braces are escaped, too.
local function ___escape(value, braces)
  local kind = ___type(value)
  if kind == "table" and not ___theirs[value] then value = ___text(value) kind = "string" end
  if kind ~= "string" then return ___output(value) end
  return ___printing.escape(value, braces)
end

-- A path: what is not there is nil, at any depth, and it never begins at one of Lua's names.
local function ___path(value, ...)
  if ___theirs[value] then return nil end
  for at = 1, ___select("#", ...) do
    if ___type(value) ~= "table" then return nil end
    value = value[(___select(at, ...))]
  end
  return value
end

local function ___blocks()
  return ___type(context.blocks) == "table" and context.blocks or {}
end

local function include()
  ___error("templates cannot include templates", 0)
end

local function ___finish(printed, layout)
  if layout then ___error("a template cannot have a layout", 0) end
  return ___printing.concat(printed)
end

local template = {escape = ___escape, output = ___output}
local ___lua = {escape = ___escape, output = ___output}
