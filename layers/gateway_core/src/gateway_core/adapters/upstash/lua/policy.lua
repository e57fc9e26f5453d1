-- The circuit breaker of a deployment and the rate limits. Models: gateway_core/breaker.py and ratelimit.py.

local policy = read('#failures', '#window', '#cooldown', '#max_cooldown', '#lease')

-- "state;failures;since;until;generation;trips"; state is c closed, o open, h half-open.
local function breaker(provider, deployment)
  local state, failures, since, till, generation, trips =
    string.match(get(provider, 'cb|' .. deployment) or 'c;0;0;0;0;0', '^(%a);(%d+);(%d+);(%d+);(%d+);(%d+)$')
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

local function encoded(text)
  return (string.gsub(text, '[^%w._~-]', function(c) return string.format('%%%02X', string.byte(c)) end))
end

local function report_breaker(provider, deployment, b, state)
  report(state or b.state, show(b.till), show(b.generation), string.sub(provider, 4), encoded(deployment))
end

-- GCRA. State is the theoretical arrival time in microseconds; a burst is one minute's worth.
local function time_of(units, per_minute)
  return math.ceil(math.min(units, per_minute) * MINUTE_US / per_minute)
end

-- The arrival once units are booked that are used from the moment `from` on, now if it is nil; and how long to wait.
local function reserve(arrival, units, per_minute, from)
  local moved = math.max(tonumber(arrival or 0), (from or ticket.now) * 1000) + time_of(units, per_minute)
  return moved, math.max(0, math.ceil((moved - MINUTE_US) / 1000) - ticket.now)
end
