--- Where do events wait?
--
-- In Kong's own queue, of at most 10,000 events and 64 MiB a line, and go from there in batches
-- of a hundred, or of what a second brings. A gateway without one gets ours.
--
-- Kong's is used as sources of Kong 3.x have it (kong/tools/queue.lua): it wants every parameter,
-- tries a batch again until `max_retry_time` is over, drops the oldest to make room, and keeps one
-- line a workspace, so that each line has a state of its own here.

local door = require "kong.plugins.event-hooks.door"
local sender = require "kong.plugins.event-hooks.sender"
local settings = require "kong.plugins.event-hooks.settings"

local has_queue, Queue = pcall(require, "kong.tools.queue")
local has_workspaces, workspaces = pcall(require, "kong.workspaces")
if not has_queue then
  Queue = require "kong.plugins.event-hooks.own_queue"
end

local CONF = {
  name = "event-hooks",
  log_tag = "event-hooks",
  max_batch_size = 100,
  max_coalescing_delay = 1,
  max_entries = 10000,
  max_bytes = 64 * 1024 * 1024,
  initial_retry_delay = 0.5,
  -- Never: what is too much is dropped by its number.
  max_retry_time = math.huge,
  concurrency_limit = 1,
}

-- By workspace, as Kong's queue has them.
local lines = {}

--- The queues of some releases end for ever with the first error that a handler raises.
local send = door("posting", sender.send)

local function line_of_workspace()
  local workspace = has_queue and has_workspaces and workspaces.get_workspace_id() or ""
  local line = lines[workspace] or sender.new_line()
  lines[workspace] = line
  return line
end

local queue = {}

--- Puts an event, written as JSON, on its way. Answers true, or nil and the reason.
function queue.push(json)
  CONF.max_retry_delay = settings.get("max_retry_delay")
  local line = line_of_workspace()
  return Queue.enqueue(CONF, send, line, sender.entry(line, json))
end

return queue
