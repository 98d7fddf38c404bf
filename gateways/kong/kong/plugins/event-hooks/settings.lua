--- What does the plugin go by right now?
--
-- By the configuration of the plugin; for what that leaves open, by the environment; for the rest,
-- by the defaults below, which are the schema's too.

local ipairs = ipairs
local null = ngx.null
local type = type

local settings = {}

--- What holds where nobody says otherwise.
settings.DEFAULTS = {
  ssl_verify = true,
  timeout = 10000,
  max_retry_delay = 30,
  dao_crud = true,
  balancer_health = true,
  rate_limits = true,
  requests = false,
  redact_encrypted = true,
  -- `schema.field`, where `*` stands for any name: what Kong 3.x's own entities keep secret and
  -- does not mark as `encrypted`, and the headers that logging plugins send.
  redact = {
    "acme_storage.value",
    "basicauth_credentials.password",
    "certificates.key",
    "certificates.key_alt",
    "hmacauth_credentials.secret",
    "jwt_secrets.secret",
    "keyauth_credentials.key",
    "keys.jwk",
    "keys.pem.private_key",
    "oauth2_authorization_codes.code",
    "oauth2_credentials.client_secret",
    "oauth2_tokens.access_token",
    "oauth2_tokens.refresh_token",
    "plugins.config.headers.*",
    "plugins.config.redis_password",
    "plugins.config.storage_config.*.auth",
    "plugins.config.storage_config.*.password",
    "plugins.config.storage_config.*.token",
    "sessions.data",
    "sessions.session_id",
  },
}

--- A variable of the environment, without the white space around it; nil where it says nothing.
local function variable(name)
  local value = string.match(os.getenv(name) or "", "^%s*(.-)%s*$")
  return value ~= "" and value or nil
end

-- A worker sees only those variables that nginx.conf names with `env`. Kong loads its plugins
-- before there are workers, so this is the moment when all of them are there.
local environment = {
  ingest_url = variable("EVENT_HOOKS_INGEST_URL"),
  token = variable("EVENT_HOOKS_TOKEN"),
}

local config = {}

--- The rules of both lists, each once.
local function union(rules, more)
  local all, known = {}, {}
  for _, list in ipairs({ rules, more }) do
    for _, rule in ipairs(list) do
      if not known[rule] then
        all[#all + 1], known[rule] = rule, true
      end
    end
  end
  return all
end

--- One of the settings; nil where it is open.
function settings.get(name)
  local value = config[name]
  if value == nil or value == null then
    value = environment[name]
  end
  if value == nil then
    value = settings.DEFAULTS[name]
  end
  return value
end

--- Goes by this configuration from now on; by none, where it is nil: the plugin was not configured,
-- or is not any more. With an address in the environment events go on then, so what was hidden
-- until now stays hidden, besides what is by default.
function settings.use(new)
  if type(new) == "table" then
    config = new
  else
    config = { redact = union(settings.DEFAULTS.redact, settings.get("redact")) }
  end
end

--- Is there a place to post events to?
function settings.is_on()
  return settings.get("ingest_url") ~= nil
end

return settings
