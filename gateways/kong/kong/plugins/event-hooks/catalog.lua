--- Does the ingest know what is posted here?
--
-- The sources of the gateway itself are built in there. What plugins publish is put into its
-- catalog at start, by one worker, until it is there; and again by any worker that is told that it
-- is not there any more.

local cjson = require "cjson.safe"
local ingest = require "kong.plugins.event-hooks.ingest"
local settings = require "kong.plugins.event-hooks.settings"
local verdict = require "kong.plugins.event-hooks.verdict"

local escape = ngx.escape_uri
local ipairs = ipairs
local kong = kong
local ngx = ngx
local type = type

--- What we wait at least and at most between attempts, in seconds.
local FIRST_DELAY, LONGEST_DELAY = 1, 60

-- In the order of publication: source, event, spec, and the `ingest_url` that has it.
local entries = {}

local catalog = {}

local function find(source, event)
  for _, entry in ipairs(entries) do
    if entry.source == source and entry.event == event then
      return entry
    end
  end
end

--- A list of names, or nothing where there are none: an empty table would be written as `{}`.
local function names(values)
  return type(values) == "table" and values[1] ~= nil and values or nil
end

--- Remembers an event of a source. What is remembered goes out with the next `start`.
function catalog.remember(source, event, spec)
  local entry = find(source, event)
  if not entry then
    entry = { source = source, event = event }
    entries[#entries + 1] = entry
  end
  entry.known_at = nil
  entry.spec = {
    fields = names(spec.fields),
    unique = names(spec.unique),
    group_by = names(spec.group_by),
    description = spec.description,
  }
end

--- Puts one entry into the catalog. What is refused for good is refused with a line in the log,
-- and holds up nobody; nil and the reason is for what may come right.
local function put(entry)
  local path = "/event-hooks/sources/" .. escape(entry.source) .. "/" .. escape(entry.event)
  -- While we wait for the answer, somebody may publish anew, or configure another address.
  local spec, address = entry.spec, settings.get("ingest_url")
  local answer, reason = ingest.request("PUT", path, cjson.encode(spec))
  if not answer then
    return nil, reason
  end
  local class = verdict.of_status(answer.status)
  if class == "later" then
    return nil, verdict.said(answer)
  elseif class == "refused" then
    kong.log.err("event hooks: cannot publish ", entry.source, "/", entry.event, ": ",
                 verdict.said(answer))
  end
  if entry.spec == spec then
    entry.known_at = address
  end
  return true
end

--- Puts everything into the catalog that is not there yet.
function catalog.publish()
  for _, entry in ipairs(entries) do
    if entry.known_at ~= settings.get("ingest_url") then
      local ok, reason = put(entry)
      if not ok then
        return nil, reason
      end
    end
  end
  return true
end

--- Are there events of ours among those that the ingest does not know? They count as not
-- published then.
function catalog.forget(problems)
  local ours = false
  for _, problem in pairs(problems) do
    local entry = find(problem.source, problem.event)
    if entry then
      entry.known_at, ours = nil, true
    end
  end
  return ours
end

local is_scheduled = false

local function attempt(premature, delay)
  is_scheduled = false
  if premature or not settings.is_on() then
    return
  end
  local ran, ok, reason = pcall(catalog.publish)
  if ran and ok then
    return
  end
  kong.log.warn("event hooks: sources are not published yet: ", ran and reason or ok)
  is_scheduled = ngx.timer.at(delay, attempt, math.min(delay * 2, LONGEST_DELAY)) and true or false
end

--- Publishes in the background, in the first worker alone.
function catalog.start()
  if ngx.worker.id() == 0 and settings.is_on() and not is_scheduled then
    is_scheduled = ngx.timer.at(0, attempt, FIRST_DELAY) and true or false
  end
end

return catalog
