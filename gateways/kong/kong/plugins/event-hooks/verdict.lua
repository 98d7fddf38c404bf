--- What becomes of events that were answered like this?
--
-- A pure function: the answer in, the verdict out.
--
-- * `taken`: every event is the ingest's now. Only its own words count: whatever stands at the
--   wrong address and says 200 has taken nothing.
-- * `bad`: some events will never be taken, and the ingest says which ones.
-- * `unclear`: something in the request will never be taken, and nobody says what.
-- * `later`: as far as anybody can tell, it is not the events' fault. A wrong token or address is
--   mended by a person, and events wait for that. It `is_doubtful` where one event could be the
--   reason all the same: a firewall does not like its words, a server breaks over it.

local cjson = require "cjson.safe"

local gsub = string.gsub
local ipairs = ipairs
local sub = string.sub
local tonumber = tonumber
local tostring = tostring
local type = type

--- The longest that an answer can make us wait, in seconds.
local LONGEST_WAIT = 60

-- Not the events' fault, though the status is one of those that say so.
local MENDED_BY_A_PERSON = { [401] = true, [403] = true, [404] = true, [407] = true }
local PASSING = { [408] = true, [425] = true, [429] = true }
-- Whoever says this has not looked at the events.
local NEVER_DOUBTFUL = { [401] = true, [407] = true, [408] = true, [425] = true, [429] = true,
  [503] = true }

local verdict = {}

--- Is this status success, `refused` for good, or to be tried `later`?
function verdict.of_status(status)
  if status >= 200 and status <= 299 then
    return "success"
  elseif status < 400 or status > 499 or MENDED_BY_A_PERSON[status] or PASSING[status] then
    return "later"
  end
  return "refused"
end

--- How long an answer asks us to wait, in seconds. A date is as good as no word.
function verdict.retry_after(answer)
  local seconds = tonumber(answer.headers["retry-after"])
  if not seconds or seconds ~= seconds or seconds < 0 then
    return 0
  end
  return math.min(seconds, LONGEST_WAIT)
end

--- Somebody else's words, fit for a line of a log.
local function quoted(message)
  return (gsub(sub(tostring(message), 1, 200), "%c", " "))
end

--- The object that a body is; an empty one where it is none.
local function object(text)
  local body = cjson.decode(text)
  return type(body) == "table" and body or {}
end

--- What an answer says.
function verdict.said(answer)
  local message = object(answer.body).message
  local said = "answered " .. answer.status
  return message and said .. ": " .. quoted(message) or said
end

--- The events that a 400 names, by their place among `count`, counted from 1.
local function named(body, count)
  local bad, any = {}, false
  for _, problem in ipairs(type(body.errors) == "table" and body.errors or {}) do
    local place = type(problem) == "table" and tonumber(problem.index)
    if place and place % 1 == 0 and place >= 0 and place < count then
      bad[place + 1] = {
        source = problem.source,
        event = problem.event,
        message = quoted(problem.message),
      }
      any = true
    end
  end
  return any and bad or nil
end

--- The verdict on `count` events that were posted and answered: its `kind`, the `reason`, and what
-- belongs to it: `bad` maps places to `{source, event, message}`, `after` is a number of seconds.
function verdict.of_events(answer, count)
  local status, reason = answer.status, verdict.said(answer)
  local body = object(answer.body)

  if status == 202 and body.accepted == count then
    return { kind = "taken" }
  elseif status == 413 or status == 400 and (body.message ~= nil or body.errors ~= nil) then
    local bad = named(body, count)
    return { kind = bad and "bad" or "unclear", reason = reason, bad = bad }
  elseif verdict.of_status(status) == "success" then
    reason = reason .. ", which is not what the ingest says of " .. count .. " events"
  end
  return {
    kind = "later",
    reason = reason,
    after = verdict.retry_after(answer),
    is_doubtful = not NEVER_DOUBTFUL[status],
  }
end

--- Is this what the ingest says of no events at all, to somebody who may post?
function verdict.is_of_none(answer)
  local body = object(answer.body)
  return answer.status == 400 and type(body.message) == "string" and type(body.errors) == "table"
end

return verdict
