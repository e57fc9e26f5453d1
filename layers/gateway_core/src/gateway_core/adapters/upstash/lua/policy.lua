-- The circuit breaker of a deployment. Model: gateway_core/store/breaker.py.

local policy = read('#failures', '#window', '#cooldown', '#max_cooldown', '#lease')


-- "state;failures;since;until;generation;trips"; state is c closed, o open, h half-open.
local function parse_breaker(text, what)
  local state, failures, since, till, generation, trips =
    string.match(text, '^([coh]);(%d+);(%d+);(%d+);(%d+);(%d+)$')
  if not state then unreadable(what) end
  return {
    state = state, failures = tonumber(failures), since = tonumber(since), till = tonumber(till),
    generation = tonumber(generation), trips = tonumber(trips),
  }
end

local function put_breaker(provider, deployment, b)
  set(provider, 'cb|' .. deployment, table.concat({
    b.state, show(b.failures), show(b.since), show(b.till), show(b.generation), show(b.trips),
  }, ';'))
end

-- The breaker of a deployment. What only a wrong clock can have written is put right at once.
local function breaker(provider, deployment)
  local field = 'cb|' .. deployment
  local b = parse_breaker(get(provider, field) or 'c;0;0;0;0;0', field .. ' of ' .. provider)
  local since, till, ahead = b.since, b.till, b.since - ticket.now
  if ahead > SKEW_MS then b.since, b.till = ticket.now, math.max(0, b.till - ahead) end
  b.till = math.min(b.till, ticket.now + MOST_AHEAD_MS)
  if b.since ~= since or b.till ~= till then put_breaker(provider, deployment, b) end
  return b
end

local function encoded(text)
  return (string.gsub(text, '[^%w._~-]', function(c) return string.format('%%%02X', string.byte(c)) end))
end

local function report_breaker(provider, deployment, b, state)
  report(state or b.state, show(b.till), show(b.generation), string.sub(provider, 4), encoded(deployment))
end
