-- There are no files.
return {
  type = function(...)
    if select("#", ...) == 0 then
      error("bad argument #1 to 'type' (value expected)", 2)
    end
    return nil
  end,
}
