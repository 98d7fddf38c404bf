--- Is this text UTF-8? Afterwards it is.
--
-- Headers, paths and names come from anywhere, and a body that is not UTF-8 is refused as a whole.

local byte = string.byte
local concat = table.concat
local find = string.find
local sub = string.sub

local REPLACEMENT = "\239\191\189"

-- Every sequence of two bytes and more that RFC 3629 allows.
local SEQUENCES = {
  "^[\194-\223][\128-\191]",
  "^[\225-\236\238\239][\128-\191][\128-\191]",
  "^\224[\160-\191][\128-\191]",
  "^\237[\128-\159][\128-\191]",
  "^\240[\144-\191][\128-\191][\128-\191]",
  "^[\241-\243][\128-\191][\128-\191][\128-\191]",
  "^\244[\128-\143][\128-\191][\128-\191]",
}

--- Where the sequence that begins here ends; nil where none does.
local function end_of_sequence(text, start)
  for _, sequence in ipairs(SEQUENCES) do
    local _, last = find(text, sequence, start)
    if last then
      return last
    end
  end
end

local utf8 = {}

--- The text, with every byte that is not part of UTF-8 replaced by U+FFFD.
function utf8.repair(text)
  local parts, from = nil, 1
  local at = find(text, "[\128-\255]")
  while at do
    local last = end_of_sequence(text, at)
    if not last then
      parts = parts or {}
      parts[#parts + 1] = sub(text, from, at - 1)
      parts[#parts + 1] = REPLACEMENT
      from, last = at + 1, at
    end
    local following = byte(text, last + 1)
    at = following and (following >= 128 and last + 1 or find(text, "[\128-\255]", last + 1))
  end
  if not parts then
    return text
  end
  parts[#parts + 1] = sub(text, from)
  return concat(parts)
end

return utf8
