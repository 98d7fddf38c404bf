-- The clock, and what time that is. There is no system.
local host = ...

local library = host.pick(os, { "clock", "difftime", "time" })

local date = os.date
function library.date(format, time)
  if type(format) == "string" and #format > 1024 then
    error("bad argument #1 to 'date' (format too long)", 2)
  end
  local ok, result = pcall(date, format, time)
  if not ok then
    error(result, 2)
  end
  return result
end

return library
