--- The queue for a gateway that has none.
--
-- Kong has `kong.tools.queue` since 3.3, and that one is used where it is. This one keeps the same
-- contract (`enqueue`, with the same configuration; the handler answers true, or nil and a reason)
-- with timers alone: nothing waits inside a timer, so a worker that ends is not held up.
--
-- **Invariants:** a line of entries has at most one timer that counts. No more than `max_entries`
-- and `max_bytes` wait, besides the batch that is on its way.

local kong = kong
local min = math.min
local ngx = ngx
local unpack = unpack

local Queue = {}

local queues = {}

local function new_queue(conf)
  return {
    conf = conf,
    -- What waits, from `first` to `last`.
    entries = {},
    first = 1,
    last = 0,
    bytes = 0,
    -- The batch that is on its way, and how often it failed.
    batch = nil,
    failures = 0,
    -- The timer that counts; one that holds another ticket has been overtaken.
    ticket = 0,
    is_scheduled = false,
    is_hurried = false,
    is_running = false,
  }
end

local function count(queue)
  return queue.last - queue.first + 1
end

--- Takes the oldest entry out.
local function shift(queue)
  local entry = queue.entries[queue.first]
  queue.entries[queue.first] = nil
  queue.first = queue.first + 1
  queue.bytes = queue.bytes - #entry
  if queue.first > queue.last then
    queue.first, queue.last = 1, 0
  end
  return entry
end

local function push(queue, entry)
  queue.last = queue.last + 1
  queue.entries[queue.last] = entry
  queue.bytes = queue.bytes + #entry
end

--- Drops the oldest entries until this one fits in. Says so once, until there is room again.
local function make_room(queue, entry)
  local conf = queue.conf
  local dropped = 0
  while count(queue) > 0
    and (count(queue) >= conf.max_entries or queue.bytes + #entry > conf.max_bytes) do
    shift(queue)
    dropped = dropped + 1
  end
  if dropped > 0 and not queue.is_full then
    queue.is_full = true
    kong.log.err(conf.name, ": queue full, dropping old entries until there is room again")
  end
end

--- Takes a batch out, unless one is on its way already.
local function next_batch(queue)
  if not queue.batch and count(queue) > 0 then
    local batch = {}
    for index = 1, min(count(queue), queue.conf.max_batch_size) do
      batch[index] = shift(queue)
    end
    queue.batch, queue.is_full = batch, false
  end
  return queue.batch
end

--- Hands the batch to the handler. True when it is dealt with.
local function attempt(queue)
  local ran, ok, reason = pcall(queue.handler, queue.handler_conf, { unpack(queue.batch) })
  if ran and ok then
    queue.batch, queue.failures = nil, 0
    return true
  end
  queue.failures = queue.failures + 1
  kong.log.warn(queue.conf.name, ": handler could not process entries: ",
                tostring(ran and reason or ok))
  return false
end

--- How long until the next attempt: at once where a whole batch waits, else what may be waited
-- for more; longer each time after failures.
local function delay_of(queue)
  local conf = queue.conf
  if queue.failures > 0 then
    return min(conf.max_retry_delay, conf.initial_retry_delay * 2 ^ (queue.failures - 1))
  end
  return count(queue) >= conf.max_batch_size and 0 or conf.max_coalescing_delay
end

local run

--- Without a timer, what waits waits for the next entry, which brings another try for one.
local function schedule(queue, delay)
  queue.ticket = queue.ticket + 1
  local ok, reason = ngx.timer.at(delay, run, queue, queue.ticket)
  queue.is_scheduled = ok and true or false
  queue.is_hurried = queue.is_scheduled and delay == 0
  if not ok then
    kong.log.err(queue.conf.name, ": cannot create a timer: ", tostring(reason))
  end
end

--- A timer's turn: one batch. A worker that ends has no other turn, so then all of them.
function run(premature, queue, ticket)
  if ticket ~= queue.ticket then
    return
  end
  queue.is_running = true
  while next_batch(queue) do
    local is_done = attempt(queue)
    if not is_done or not (premature or ngx.worker.exiting()) then
      break
    end
  end
  queue.is_running, queue.is_scheduled = false, false
  if queue.batch or count(queue) > 0 then
    schedule(queue, delay_of(queue))
  end
end

--- Puts an entry, a string, at the end of the line of this name. Answers true, or nil and the
-- reason.
function Queue.enqueue(conf, handler, handler_conf, entry)
  local queue = queues[conf.name] or new_queue(conf)
  queues[conf.name] = queue
  queue.conf, queue.handler, queue.handler_conf = conf, handler, handler_conf
  if #entry > conf.max_bytes then
    return nil, "the entry is longer than the queue"
  end

  make_room(queue, entry)
  push(queue, entry)
  local is_full_batch = count(queue) >= conf.max_batch_size
  if queue.is_running then
    return true
  elseif not queue.is_scheduled then
    schedule(queue, delay_of(queue))
  elseif is_full_batch and queue.failures == 0 and not queue.is_hurried then
    schedule(queue, 0)
  end
  return true
end

return Queue
