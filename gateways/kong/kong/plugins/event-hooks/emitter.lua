--- Takes an event: from here on it is on its way, or it was never taken.
--
-- Runs inside requests, so it writes the event down and leaves; posting is the queue's.
--
-- **Promise:** the id that an event gets here is the one that it is posted with, each time.

local cjson = require "cjson.safe"
local plain = require "kong.plugins.event-hooks.plain"
local queue = require "kong.plugins.event-hooks.queue"
local settings = require "kong.plugins.event-hooks.settings"
local utf8 = require "kong.plugins.event-hooks.utf8"

local format = string.format
local ngx = ngx
local type = type

--- The largest event that the ingest takes.
local MOST_BYTES = 256 * 1024
--- The longest name.
local LONGEST_NAME = 255

--- `kong.tools.uuid` since Kong 3.5; before that it was among the utils.
local function new_uuid()
  local found, uuids = pcall(require, "kong.tools.uuid")
  if not found then
    uuids = require "kong.tools.utils"
  end
  return uuids.uuid()
end

-- A UUID for the worker and a number for the event make an id. Kong loads plugins before it has
-- workers, so the UUID is made when the first event comes.
local worker = { pid = nil, uuid = nil, events = 0 }

local function new_id()
  local pid = ngx.worker.pid()
  if worker.pid ~= pid then
    worker = { pid = pid, uuid = new_uuid(), events = 0 }
  end
  worker.events = worker.events + 1
  return worker.uuid .. "-" .. worker.events
end

local function is_name(text)
  return type(text) == "string" and #text > 0 and #text <= LONGEST_NAME
    and not string.find(text, "%c")
end

--- The event as it is posted.
local function written(source, event, data)
  local json, reason = cjson.encode(data)
  if not json then
    return nil, reason
  end
  local text = format('{"id":"%s","source":%s,"event":%s,"time":%.3f,"pid":%d,"data":%s}',
    new_id(), cjson.encode(source), cjson.encode(event), ngx.now(), ngx.worker.pid(), json)
  return utf8.repair(text)
end

local emitter = {}

--- Takes an event, and answers true; or nil and why not.
function emitter.emit(source, event, data)
  if not settings.is_on() then
    return nil, "there is no ingest_url to post events to"
  elseif not is_name(source) or not is_name(event) then
    return nil, "source and event must be names of 1 to " .. LONGEST_NAME .. " bytes"
  elseif data ~= nil and type(data) ~= "table" or data and data[1] ~= nil then
    return nil, "data must be a table of names and values"
  end

  local copy, problem = plain.copy(data or {})
  if not copy then
    return nil, problem
  end
  local json, reason = written(source, event, setmetatable(copy, nil))
  if not json then
    return nil, reason
  elseif #json > MOST_BYTES then
    return nil, "the event has " .. #json .. " bytes, more than " .. MOST_BYTES
  end
  return queue.push(json)
end

return emitter
