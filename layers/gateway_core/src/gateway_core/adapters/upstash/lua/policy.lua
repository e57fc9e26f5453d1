-- The circuit breaker of a deployment. Model: gateway_core/store/breaker.py.

-- What is known of all deployments is in one hash: one command reads it, whoever the candidates are.
local policy = read('#failures', '#window', '#cooldown', '#max_cooldown', '#lease', '#deployments')
local DEPLOYMENTS = KEYS[policy.deployments]

local function field_of(kind, provider, deployment)
  return kind .. '|' .. provider .. '|' .. deployment
end

-- "state;failures;since;until;generation;trips"; state is c closed, o open, h half-open.
local function parse_breaker(text)
  local state, failures, since, till, generation, trips =
    string.match(text, '^([coh]);(%d+);(%d+);(%d+);(%d+);(%d+)$')
  if not state then return nil end
  return {
    state = state, failures = tonumber(failures), since = tonumber(since), till = tonumber(till),
    generation = tonumber(generation), trips = tonumber(trips),
  }
end

local function put_breaker(provider, deployment, b)
  set(DEPLOYMENTS, field_of('cb', provider, deployment), table.concat({
    b.state, show(b.failures), show(b.since), show(b.till), show(b.generation), show(b.trips),
  }, ';'))
end

-- The breaker of a deployment at the moment `now`, nil where it cannot be read. What only a wrong clock can have written
-- is put right at once.
local function find_breaker(provider, deployment, now)
  local b = parse_breaker(get(DEPLOYMENTS, field_of('cb', provider, deployment)) or 'c;0;0;0;0;0')
  if not b then return nil end
  local since, till, ahead = b.since, b.till, b.since - now
  if ahead > SKEW_MS then b.since, b.till = now, math.max(0, b.till - ahead) end
  b.till = math.min(b.till, now + MOST_AHEAD_MS)
  if b.since ~= since or b.till ~= till then put_breaker(provider, deployment, b) end
  return b
end

local function breaker(provider, deployment)
  local b = find_breaker(provider, deployment, ticket.now)
  if not b then unreadable(field_of('cb', provider, deployment) .. ' of ' .. DEPLOYMENTS) end
  return b
end

local function encoded(text)
  return (string.gsub(text, '[^%w._~-]', function(c) return string.format('%%%02X', string.byte(c)) end))
end

local function report_breaker(provider, deployment, b, state)
  report(state or b.state, show(b.till), show(b.generation), provider, encoded(deployment))
end
