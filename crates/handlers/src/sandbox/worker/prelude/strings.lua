-- Strings. What could run for long inside one call of Luau's own is bounded here.
local host, base = ...

local find, match, gmatch, gsub = string.find, string.match, string.gmatch, string.gsub
local format, rep = string.format, string.rep

-- Luau looks up at every step of a match, but not while one item of the pattern eats its way
-- through the subject, comparing each byte with each member of a set.
local LONGEST_PATTERN = 4096
local MOST_REPETITIONS = 24
local MOST_COMPARISONS = 2 ^ 25
local LONGEST_NEEDLE = 2 ^ 16
local LARGEST = 2 ^ 26

-- Errors of Luau's functions are told of the line that called.
local function relay(ok, ...)
  if ok then
    return ...
  end
  local problem = ...
  if type(problem) == "string" then
    error(problem, 3)
  end
  error(problem, 0)
end

local function judge(subject, pattern, level)
  if type(subject) ~= "string" or type(pattern) ~= "string" then
    return
  end
  if #pattern > LONGEST_PATTERN then
    error("pattern too long", level)
  end
  if #pattern > 2 * MOST_REPETITIONS then
    local _, repetitions = gsub(pattern, "[*+?-]", "")
    if repetitions > MOST_REPETITIONS then
      error("pattern too complex", level)
    end
  end
  if #subject * #pattern > MOST_COMPARISONS and host.find(pattern, "[", 1) then
    error("pattern too costly for a subject of this length", level)
  end
end

-- Luau's search for plain text takes the product of both lengths at worst.
local function find_plain(subject, text, init)
  init = tonumber(init) or 1
  if init < 0 then
    init = #subject + init + 1
  end
  init = init >= 1 and init // 1 or 1
  if init + #text > #subject + 1 then
    return nil
  end
  if #text > LONGEST_NEEDLE then
    error("pattern too long", 3)
  end
  local at = host.find(subject, text, init)
  if at then
    return at, at + #text - 1
  end
  return nil
end

local library = {
  byte = string.byte,
  char = string.char,
  len = string.len,
  lower = string.lower,
  reverse = string.reverse,
  sub = string.sub,
  upper = string.upper,
}
base.string = library

function library.find(subject, pattern, init, plain)
  if type(subject) == "string" and type(pattern) == "string" then
    local costly = #subject * #pattern > 2 ^ 20 or #pattern > LONGEST_PATTERN
    if costly and (plain or (#pattern <= LONGEST_NEEDLE and host.is_plain(pattern))) then
      return find_plain(subject, pattern, init)
    end
    judge(subject, pattern, 3)
  end
  return relay(pcall(find, subject, pattern, init, plain))
end

function library.match(subject, pattern, init)
  judge(subject, pattern, 3)
  return relay(pcall(match, subject, pattern, init))
end

function library.gmatch(subject, pattern)
  judge(subject, pattern, 3)
  return relay(pcall(gmatch, subject, pattern))
end

function library.gsub(subject, pattern, replacement, count)
  judge(subject, pattern, 3)
  if type(replacement) ~= "function" then
    return relay(pcall(gsub, subject, pattern, replacement, count))
  end
  local ok, result, replaced = pcall(gsub, subject, pattern, replacement, count)
  if not ok then
    -- Most likely the replacement's, which knows its own line.
    error(result, 0)
  end
  return result, replaced
end

function library.rep(text, count, separator)
  local times = tonumber(count)
  if times and (type(text) == "string" or type(text) == "number") then
    text = tostring(text)
    separator = separator and tostring(separator) or ""
    if times * (#text + #separator) > LARGEST then
      error("resulting string too large", 2)
    end
    if separator ~= "" and times > 1 then
      return rep(text .. separator, times - 1) .. text
    end
  end
  return relay(pcall(rep, text, count))
end

-- In LuaJIT, %s takes anything.
local function as_text(pattern, values, count)
  local index = 0
  for conversion in gmatch(pattern, "%%[-+ #0]*%d*%.?%d*(.)") do
    if conversion ~= "%" then
      index = index + 1
      if conversion == "s" and index <= count then
        values[index] = tostring(values[index])
      end
    end
  end
end

function library.format(pattern, ...)
  local values, count = { ... }, select("#", ...)
  for index = 1, count do
    local kind = type(values[index])
    if kind ~= "string" and kind ~= "number" then
      if type(pattern) == "string" then
        as_text(pattern, values, count)
      end
      break
    end
  end
  return relay(pcall(format, pattern, unpack(values, 1, count)))
end

getmetatable("").__index = library
table.freeze(getmetatable(""))
