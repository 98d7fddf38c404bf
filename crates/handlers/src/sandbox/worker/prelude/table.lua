-- Tables. What could run for long inside one call of Luau's own is done step by step here.
local concat, clear, clone = table.concat, table.clear, table.clone

-- Strings are joined so many at a time.
local PIECE = 2048

-- Errors of the code below, and of the functions that it calls, are told of the line that called;
-- those of comparisons by the script know their own.
local function relay(ok, ...)
  if ok then
    return ...
  end
  local problem = ...
  if type(problem) == "string" then
    local ours, count = string.gsub(problem, "^sandbox:%d*: ", "")
    if count > 0 or not string.find(problem, "^[^\n]-:%d+: ") then
      error(ours, 3)
    end
  end
  error(problem, 0)
end

local function want_table(value, name)
  if type(value) ~= "table" then
    error(("bad argument #1 to '%s' (table expected, got %s)"):format(name, type(value)), 3)
  end
end

local function want_function(value, name)
  if type(value) ~= "function" then
    error(("bad argument #2 to '%s' (function expected, got %s)"):format(name, type(value)), 3)
  end
end

local library = {
  clear = clear,
  clone = clone,
  getn = table.getn,
  insert = table.insert,
  maxn = table.maxn,
  pack = table.pack,
  remove = table.remove,
  unpack = table.unpack,
}

local function join(list, separator, first, last)
  if last - first < PIECE then
    return concat(list, separator, first, last)
  end
  local pieces, count = {}, 0
  for from = first, last, PIECE do
    count = count + 1
    pieces[count] = concat(list, separator, from, math.min(from + PIECE - 1, last))
  end
  return join(pieces, separator, 1, count)
end

function library.concat(list, separator, first, last)
  want_table(list, "concat")
  return relay(pcall(join, list, separator, tonumber(first) or 1, tonumber(last) or #list))
end

local function less(left, right)
  return left < right
end

-- Merges runs of growing width, back and forth between two tables.
local function sort(list, before)
  local count = #list
  local from, to = table.move(list, 1, count, 1, {}), {}
  local width = 1
  while width < count do
    for low = 1, count, 2 * width do
      local middle = math.min(low + width, count + 1)
      local high = math.min(low + 2 * width, count + 1)
      local left, right = low, middle
      for index = low, high - 1 do
        if left < middle and (right >= high or not before(from[right], from[left])) then
          to[index] = from[left]
          left = left + 1
        else
          to[index] = from[right]
          right = right + 1
        end
      end
    end
    from, to = to, from
    width = 2 * width
  end
  for index = 1, count do
    list[index] = from[index]
  end
end

function library.sort(list, before)
  want_table(list, "sort")
  if before ~= nil then
    want_function(before, "sort")
  end
  return relay(pcall(sort, list, before or less))
end

local function move(source, first, last, to, target)
  if last < first then
    return target
  end
  if to > last or to <= first or target ~= source then
    for offset = 0, last - first do
      target[to + offset] = source[first + offset]
    end
  else
    for offset = last - first, 0, -1 do
      target[to + offset] = source[first + offset]
    end
  end
  return target
end

function library.move(source, first, last, to, target)
  want_table(source, "move")
  if target ~= nil then
    want_table(target, "move")
  end
  return relay(pcall(move, source, first, last, to, target or source))
end

function library.foreach(list, visit)
  want_table(list, "foreach")
  want_function(visit, "foreach")
  for key, value in next, list do
    local result = visit(key, value)
    if result ~= nil then
      return result
    end
  end
end

function library.foreachi(list, visit)
  want_table(list, "foreachi")
  want_function(visit, "foreachi")
  for index = 1, #list do
    local result = visit(index, list[index])
    if result ~= nil then
      return result
    end
  end
end

-- How large a table will be is a hint, which is not taken.
function library.new()
  return {}
end

function library.nkeys(list)
  want_table(list, "nkeys")
  local count = 0
  for _ in next, list do
    count = count + 1
  end
  return count
end

function library.isempty(list)
  want_table(list, "isempty")
  return next(list) == nil
end

function library.isarray(list)
  want_table(list, "isarray")
  for key in next, list do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
      return false
    end
  end
  return true
end

return library
