-- LuaJIT's `bit`: results are signed, shifts count modulo 32.
local band, bor, bxor, bnot = bit32.band, bit32.bor, bit32.bxor, bit32.bnot
local lshift, rshift, arshift = bit32.lshift, bit32.rshift, bit32.arshift
local lrotate, rrotate = bit32.lrotate, bit32.rrotate

local function signed(bits)
  return bits >= 0x80000000 and bits - 0x100000000 or bits
end

-- Numbers beyond 32 bits count modulo 2^32.
local function unsigned(number)
  local value = tonumber(number)
  if not value then
    error(("bad argument (number expected, got %s)"):format(type(number)), 3)
  end
  return value % 0x100000000
end

local library = {}

function library.tobit(number)
  return signed(band(unsigned(number)))
end

function library.bnot(number)
  return signed(bnot(unsigned(number)))
end

local function fold(combine)
  return function(first, ...)
    local bits = band(unsigned(first))
    for index = 1, select("#", ...) do
      bits = combine(bits, unsigned((select(index, ...))))
    end
    return signed(bits)
  end
end

library.band, library.bor, library.bxor = fold(band), fold(bor), fold(bxor)

local function shift(by)
  return function(number, count)
    return signed(by(unsigned(number), band(unsigned(count), 31)))
  end
end

library.lshift, library.rshift, library.arshift = shift(lshift), shift(rshift), shift(arshift)
library.rol, library.ror = shift(lrotate), shift(rrotate)

function library.bswap(number)
  local bits = band(unsigned(number))
  local outer = bor(lshift(bits, 24), rshift(bits, 24))
  local inner = bor(lshift(band(bits, 0xff00), 8), band(rshift(bits, 8), 0xff00))
  return signed(bor(outer, inner))
end

function library.tohex(number, digits)
  digits = tonumber(digits) or 8
  local width = math.min(math.abs(digits), 8)
  local text = string.format(digits < 0 and "%08X" or "%08x", band(unsigned(number)))
  return string.sub(text, 9 - width)
end

return library
