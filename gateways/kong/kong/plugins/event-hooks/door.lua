--- Can this break a request, or the gateway? No.
--
-- Whatever the gateway or another plugin calls goes through a door. What goes wrong behind it is
-- logged here, and the caller goes on with nil and the reason.

local kong = kong

--- A function that does what `inner` does, and never raises. It hands on two results.
return function(name, inner)
  return function(...)
    local ok, first, second = pcall(inner, ...)
    if ok then
      return first, second
    end
    pcall(kong.log.err, "event hooks: ", name, ": ", tostring(first))
    return nil, tostring(first)
  end
end
