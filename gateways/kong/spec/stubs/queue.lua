--- `kong.tools.queue`, by what sources of Kong 3.x say of it: it insists on every parameter, keeps
-- one line a workspace, takes a batch out before it calls the handler, wants `true`, and tries
-- again.

local workspaces = require "kong.workspaces"

local Queue = {}
local queues = {}

local NUMBERS = { "max_batch_size", "max_coalescing_delay", "max_entries", "max_bytes",
  "max_retry_time", "initial_retry_delay", "max_retry_delay" }

local function handle(queue, batch)
  local started, retries = ngx.now(), 0
  while true do
    local ran, ok, reason = pcall(queue.handler, queue.handler_conf, batch)
    if ran and ok == true then
      return
    end
    kong.log.warn("queue: handler could not process entries: ", tostring(ran and reason or ok))
    if ngx.now() - started > queue.conf.max_retry_time then
      kong.log.err("queue: ", #batch, " entries were lost")
      return
    end
    ngx.sleep(math.min(queue.conf.max_retry_delay, 2 ^ retries * queue.conf.initial_retry_delay))
    retries = retries + 1
  end
end

local function process(premature, key)
  local queue = queues[key]
  while #queue.entries > 0 do
    local deadline = ngx.now() + queue.conf.max_coalescing_delay
    while #queue.entries < queue.conf.max_batch_size and ngx.now() < deadline
      and not ngx.worker.exiting() do
      ngx.sleep(0.05)
    end
    local batch = {}
    while #queue.entries > 0 and #batch < queue.conf.max_batch_size do
      batch[#batch + 1] = table.remove(queue.entries, 1)
      queue.bytes = queue.bytes - #batch[#batch]
    end
    handle(queue, batch)
  end
  queues[key] = nil
end

function Queue.enqueue(conf, handler, handler_conf, entry)
  for _, name in ipairs(NUMBERS) do
    assert(type(conf[name]) == "number", name .. " must be a number")
  end
  assert(conf.concurrency_limit == 1 and type(conf.name) == "string" and type(entry) == "string")

  local key = (workspaces.get_workspace_id() or "") .. "." .. conf.name
  local queue = queues[key]
  if not queue then
    queue = { conf = conf, handler = handler, entries = {}, bytes = 0 }
    queues[key] = queue
    kong.timer:named_at("queue", 0, process, key)
  end
  queue.handler_conf = handler_conf
  while #queue.entries > 0
    and (#queue.entries >= conf.max_entries or queue.bytes + #entry > conf.max_bytes) do
    queue.bytes = queue.bytes - #table.remove(queue.entries, 1)
  end
  queue.entries[#queue.entries + 1] = entry
  queue.bytes = queue.bytes + #entry
  return true
end

return Queue
