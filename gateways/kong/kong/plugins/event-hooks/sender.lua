--- Was it taken?
--
-- Posts what the queue hands over, and settles each event once: taken by the ingest, or refused
-- for good, with a line in the log. What is not settled comes again, as it is, with the id that it
-- got when the event was taken, so that the ingest knows it again.
--
-- **Promises:** one bad event takes no other with it, and holds up none for ever. What was settled
-- is not posted again. An event that the queue dropped to make room is counted.

local catalog = require "kong.plugins.event-hooks.catalog"
local ingest = require "kong.plugins.event-hooks.ingest"
local verdict = require "kong.plugins.event-hooks.verdict"

local concat = table.concat
local find = string.find
local ipairs = ipairs
local kong = kong
local match = string.match
local min = math.min
local ngx = ngx
local sub = string.sub
local tonumber = tonumber

--- The ingest takes 4 MiB; the way there may take less.
local MOST_REQUEST_BYTES = 1024 * 1024
--- After so many doubtful answers in a row, with no event settled in between, events are suspected.
-- With the waits between them, that is some minutes, which an outage may last.
local MOST_DOUBTS = 20

local sender = {}

--- A line of events on its way: each has its number in it.
function sender.new_line()
  return {
    -- Numbers given out, and up to where all of them are settled.
    taken = 0,
    settled = 0,
    -- What is settled beyond that.
    ahead = {},
    -- How many events the queue dropped to make room.
    dropped = 0,
    -- Not before then is anything posted: the ingest asked for it.
    not_before = 0,
    -- Doubtful answers since an event was settled, and whether it is the events that are in doubt
    -- in this call of `send`.
    doubts = 0,
    is_suspicious = false,
  }
end

--- The queue's entry for an event, which the next call of `send` finds its number in.
function sender.entry(line, json)
  line.taken = line.taken + 1
  return line.taken .. " " .. json
end

local function event_of(entry)
  local space = find(entry, " ", 1, true)
  return { number = tonumber(sub(entry, 1, space - 1)), json = sub(entry, space + 1) }
end

--- Settles all that comes before this number: the queue hands over in order, so it is gone.
local function note_gap(line, number)
  local dropped = 0
  for gone = line.settled + 1, number - 1 do
    if not line.ahead[gone] then
      dropped = dropped + 1
    end
    line.ahead[gone] = nil
  end
  line.settled = number - 1
  if dropped > 0 then
    line.dropped = line.dropped + dropped
    kong.log.err("event hooks: ", dropped, " events were dropped, for the queue was full; ",
                 line.dropped, " since this worker started")
  end
end

--- Those of the events that are not settled yet.
local function open_ones(line, events)
  local open = {}
  for _, event in ipairs(events) do
    if event.number > line.settled and not line.ahead[event.number] then
      open[#open + 1] = event
    end
  end
  return open
end

--- This one is dealt with. As long as that happens, nothing is stuck, and nothing in doubt. Only
-- that counts: to be told that a request is too large moves no event, and may come each time.
local function settle(line, event)
  line.doubts = 0
  line.ahead[event.number] = true
  while line.ahead[line.settled + 1] do
    line.settled = line.settled + 1
    line.ahead[line.settled] = nil
  end
end

local function refuse(line, event, reason)
  kong.log.err("event hooks: event ", match(event.json, '^{"id":"([^"]*)"'), " was refused: ",
               reason)
  settle(line, event)
end

local function body_of(events)
  local texts = {}
  for index, event in ipairs(events) do
    texts[index] = event.json
  end
  return "[" .. concat(texts, ",") .. "]"
end

local deliver

--- Goes on without the events that the ingest named. Where one of them is published here, it is
-- put into the catalog first, and gets one more chance.
local function without_the_bad(line, events, bad)
  if not line.is_republished and catalog.forget(bad) then
    line.is_republished = true
    local ok, reason = catalog.publish()
    if not ok and not line.is_suspicious then
      line.doubts = line.doubts + 1
      return nil, reason
    end
    return deliver(line, events)
  end

  local good = {}
  for index, event in ipairs(events) do
    if bad[index] then
      refuse(line, event, bad[index].message)
    else
      good[#good + 1] = event
    end
  end
  if #good == 0 then
    return true
  end
  return deliver(line, good)
end

--- Something in here will not be taken: finds it by halves.
local function by_halves(line, events, reason)
  if #events == 1 then
    refuse(line, events[1], reason)
    return true
  end
  local middle = math.floor(#events / 2)
  local halves = { {}, {} }
  for index, event in ipairs(events) do
    local half = halves[index <= middle and 1 or 2]
    half[#half + 1] = event
  end
  local ok, problem = deliver(line, halves[1])
  if not ok then
    return nil, problem
  end
  return deliver(line, halves[2])
end

--- Posts these events until each is settled; or nil, and why not now.
function deliver(line, events)
  local answer, reason = ingest.request("POST", "/events", body_of(events))
  if not answer then
    return nil, reason
  end
  local judged = verdict.of_events(answer, #events)
  if judged.kind == "later" and judged.is_doubtful and line.is_suspicious then
    return by_halves(line, events, judged.reason)
  elseif judged.kind == "later" then
    line.doubts = judged.is_doubtful and line.doubts + 1 or 0
    line.not_before = ngx.now() + judged.after
    return nil, judged.reason
  elseif judged.kind == "bad" then
    return without_the_bad(line, events, judged.bad)
  elseif judged.kind == "unclear" then
    return by_halves(line, events, judged.reason)
  end
  for _, event in ipairs(events) do
    settle(line, event)
  end
  return true
end

--- Is there an event in here that will never be taken, though nobody says so? Only somebody who
-- takes no events from us, and says so properly, proves that the way is free and the token good.
local function suspects(line)
  if line.doubts < MOST_DOUBTS then
    return false
  end
  line.doubts = 0
  local answer = ingest.request("POST", "/events", "[]")
  return answer ~= nil and verdict.is_of_none(answer)
end

--- Posts events, at least one, in requests that are not too large.
local function deliver_in_parts(line, events)
  local part, size = {}, 0
  for _, event in ipairs(events) do
    if size + #event.json > MOST_REQUEST_BYTES and #part > 0 then
      local ok, reason = deliver(line, part)
      if not ok then
        return nil, reason
      end
      part, size = {}, 0
    end
    part[#part + 1] = event
    size = size + #event.json
  end
  return deliver(line, part)
end

--- Waits as long as the ingest asked for, or until the worker is told to end.
local function wait(line)
  local left = line.not_before - ngx.now()
  while left > 0 and not ngx.worker.exiting() do
    ngx.sleep(min(left, 1))
    left = line.not_before - ngx.now()
  end
end

--- A worker that ends has one attempt left for all that waits, and says what is lost.
local function give_up(line, events, reason)
  line.is_given_up = true
  for _, event in ipairs(events) do
    settle(line, event)
  end
  kong.log.err("event hooks: ", #events, " events are lost, for the worker ends: ", reason)
  return true
end

--- What the queue calls with entries, in order: true, or nil and the reason, and then it calls
-- again.
function sender.send(line, entries)
  local events = {}
  for _, entry in ipairs(entries) do
    events[#events + 1] = event_of(entry)
  end
  if events[1] and events[1].number > line.settled then
    note_gap(line, events[1].number)
  end
  events = open_ones(line, events)
  if #events == 0 then
    return true
  elseif line.is_given_up then
    return give_up(line, events, "the attempt before failed")
  end

  wait(line)
  line.is_republished = false
  line.is_suspicious = suspects(line)
  local ok, reason = deliver_in_parts(line, events)
  if not ok and ngx.worker.exiting() then
    return give_up(line, open_ones(line, events), reason)
  end
  return ok, reason
end

return sender
