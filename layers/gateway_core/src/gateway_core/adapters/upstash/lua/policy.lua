-- The circuit breaker of a deployment. Model: gateway_core/store/breaker.py.

-- What is known of all deployments is in one hash: one command reads it, whoever the candidates are.
local policy = read('#failures', '#window', '#cooldown', '#max_cooldown', '#lease', '#deployments')
local DEPLOYMENTS = KEYS[policy.deployments]

local function field_of(kind, provider, deployment)
  return kind .. '|' .. provider .. '|' .. deployment
end

-- "state;failures;since;until;generation;trips"; state is c closed, o open, h half-open.
local function breaker(provider, deployment)
  local state, failures, since, till, generation, trips =
    string.match(get(DEPLOYMENTS, field_of('cb', provider, deployment)) or 'c;0;0;0;0;0', '^(%a);(%d+);(%d+);(%d+);(%d+);(%d+)$')
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

local function encoded(text)
  return (string.gsub(text, '[^%w._~-]', function(c) return string.format('%%%02X', string.byte(c)) end))
end

local function report_breaker(provider, deployment, b, state)
  report(state or b.state, show(b.till), show(b.generation), provider, encoded(deployment))
end
