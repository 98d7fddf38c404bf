--- `ngx`, as much of it as the plugin and its queues use. Time stands still until a test moves it,
-- and then timers run, as coroutines. `host` is the test's side.

local clock = host.now()
local is_exiting = false
local order = 0
-- What is to run: `due`, `order` among those due at once, and the coroutine with its arguments.
local waiting = {}

local function wait(entry, delay)
  order = order + 1
  entry.due, entry.order = clock + delay, order
  waiting[#waiting + 1] = entry
end

--- Runs a coroutine until it sleeps or ends.
local function run(entry)
  local ok, delay = coroutine.resume(entry.thread, unpack(entry.arguments or {}, 1, entry.count))
  if not ok then
    host.log("timer", debug.traceback(entry.thread, tostring(delay)))
  elseif coroutine.status(entry.thread) ~= "dead" then
    wait({ thread = entry.thread }, delay)
  end
end

local function first_due(until_when)
  local found
  for index, entry in ipairs(waiting) do
    local best = waiting[found]
    if entry.due <= until_when and (not best or entry.due < best.due
      or entry.due == best.due and entry.order < best.order) then
      found = index
    end
  end
  return found and table.remove(waiting, found)
end

ngx = {
  null = newproxy(),
  config = { subsystem = "http" },
  now = function() return clock end,
  escape_uri = host.escape_uri,
  worker = {
    id = function() return host.worker_id end,
    pid = function() return host.pid end,
    exiting = function() return is_exiting end,
  },
  sleep = function(seconds)
    assert(coroutine.running(), "API disabled in the context of log_by_lua*")
    coroutine.yield(seconds)
  end,
  timer = {
    at = function(delay, callback, ...)
      if is_exiting and delay > 0 then
        return nil, "process exiting"
      end
      local entry = { thread = coroutine.create(callback), arguments = { is_exiting, ... },
        count = select("#", ...) + 1, is_timer = true }
      wait(entry, delay)
      return 1
    end,
  },
}

--- Moves time on.
function host.pass(seconds)
  local target = clock + seconds
  local entry = first_due(target)
  while entry do
    clock = math.max(clock, entry.due)
    run(entry)
    entry = first_due(target)
  end
  clock = target
end

--- Tells the worker to end: its timers run at once, with `premature`, and what sleeps wakes up.
function host.exit(longest)
  is_exiting = true
  for _, entry in ipairs(waiting) do
    if entry.is_timer then
      entry.due, entry.arguments[1] = clock, true
    end
  end
  host.pass(longest)
  return #waiting
end
