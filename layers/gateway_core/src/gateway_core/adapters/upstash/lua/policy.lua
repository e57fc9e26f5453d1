-- The circuit breaker of a deployment. Model: gateway_core/store/breaker.py.

-- What is known of all deployments is in one hash: one command reads it, whoever the candidates are.
local policy = {failures = tonumber(ARGV[at + 1]), window = tonumber(ARGV[at + 2]), cooldown = tonumber(ARGV[at + 3]),
                max_cooldown = tonumber(ARGV[at + 4]), lease = tonumber(ARGV[at + 5])}
local DEPLOYMENTS = KEYS[tonumber(ARGV[at + 6])]
at = at + 6

local function field_of(kind, provider, deployment)
  return kind .. '|' .. provider .. '|' .. deployment
end

-- "state;failures;since;until;generation;trips"; state is c closed, o open, h half-open.
local function parse_breaker(text)
  if not text then return {state = 'c', failures = 0, since = 0, till = 0, generation = 0, trips = 0} end
  local state, failures, since, till, generation, trips =
    string.match(text, '^([coh]);(%d+);(%d+);(%d+);(%d+);(%d+)$')
  if not state then return nil end
  return {
    state = state, failures = tonumber(failures), since = tonumber(since), till = tonumber(till),
    generation = tonumber(generation), trips = tonumber(trips),
  }
end

local function put_breaker(provider, deployment, b)
  set(DEPLOYMENTS, field_of('cb', provider, deployment), string.format(
    '%s;%.0f;%.0f;%.0f;%.0f;%.0f', b.state, b.failures, b.since, b.till, b.generation, b.trips))
end

-- The breaker of a deployment at the moment `now`, nil where it cannot be read. What only a wrong clock can have written
-- is put right at once.
local function find_breaker(provider, deployment, now)
  local b = parse_breaker(get(DEPLOYMENTS, field_of('cb', provider, deployment)))
  if not b then return nil end
  local since, till, ahead = b.since, b.till, b.since - now
  if ahead > SKEW_MS then b.since, b.till = now, math.max(0, b.till - ahead) end
  if b.till > now + MOST_AHEAD_MS then b.till = now + MOST_AHEAD_MS end
  if b.since ~= since or b.till ~= till then put_breaker(provider, deployment, b) end
  return b
end

local function breaker(provider, deployment)
  local b = find_breaker(provider, deployment, ticket.now)
  if not b then unreadable(field_of('cb', provider, deployment) .. ' of ' .. DEPLOYMENTS) end
  return b
end

local function report_breaker(provider, deployment, b, state)
  local encoded = string.gsub(deployment, '[^%w._~-]', function(c) return string.format('%%%02X', string.byte(c)) end)
  report(state or b.state, show(b.till), show(b.generation), provider, encoded)
end
